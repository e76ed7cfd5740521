"""Text of models, users and files for a page: what cannot be seen, or would reorder what can, becomes visible.

Markup is not this module's matter: templates and drawings escape by themselves. Characters that no XML document may
hold must not reach the drawing library at all, which ends the process on them.
"""

import unicodedata

LONGEST = 20_000
"""Characters of one text that a page shows; what comes after is counted."""

_KEPT = {"\n", "\t", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
"""The two joiners shape emoji, Persian and Indic words, and move nothing."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co"}


def visible(text: str) -> str:
    """The text with each control, format, private or half character replaced by a sign that shows what it is."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_sign(c) if _is_hidden(c) else c for c in text)


def shown(text: str) -> str:
    """`visible`, and cut where it is too long for a page."""
    if len(text) <= LONGEST:
        return visible(text)
    return f"{visible(text[:LONGEST])}\n[{len(text) - LONGEST:,} more characters]"


def in_one_line(text: str, length: int) -> str:
    """`visible` on one line, cut at `length` characters."""
    line = " ".join(visible(text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _is_hidden(character: str) -> bool:
    code = ord(character)
    never_a_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return never_a_character or (character not in _KEPT and unicodedata.category(character) in _HIDDEN)


def _sign(character: str) -> str:
    return f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{ord(character):04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
