"""A text as a set of short pieces, in which case, spaces and punctuation do not count.

Pieces are of characters, not of words, so that languages without spaces have some too, and so do short prompts.
"""

import re
import unicodedata

_SIZE = 5
"""Characters in a piece: about one word of a language with spaces."""
_PAD = " " * (_SIZE - 1)
_DENSE_SIZE = 2
"""The same where one character is a syllable or a word."""
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: written without spaces."""
_ASCII_PUNCTUATION = re.compile(r"[!-#%-*,-/:;?@\[-\]_{}]")
"""What `str.isascii` texts have of Unicode's category P; `$+<=>^`|~` are symbols, which do count."""


def normalised(text: str) -> str:
    """Small letters, one space between words, no punctuation; a text of nothing else stays as it is.

    Compatible characters are one (full width, ligatures), control and invisible characters count for nothing.
    """
    if text.isascii():
        plain = _ASCII_PUNCTUATION.sub(" ", text.lower())
    else:
        folded = unicodedata.normalize("NFKC", text).casefold()
        plain = "".join(map(_letter, folded))
    return " ".join(plain.split()) or " ".join(text.split())


def shingles(plain: str) -> frozenset[str]:
    """The pieces of a normalised text: all runs of five characters, of two where the script has no spaces.

    Spaces stand before and behind, so that each character is in as many pieces as any other: "question 1" and
    "question 12" are not alike. The empty text has no pieces.
    """
    if not plain:
        return frozenset()
    if _DENSE.search(plain):
        padded = f" {plain} "
        return frozenset(_piece(padded, start) for start in range(len(padded) - 1))
    padded = f"{_PAD}{plain}{_PAD}"
    return frozenset(padded[start : start + _SIZE] for start in range(len(padded) - _SIZE + 1))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared pieces among all pieces of two texts, from 0 to 1; two empty texts are alike."""
    shared = len(first & second)
    union = len(first) + len(second) - shared
    return shared / union if union else 1.0


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "PZ" or category == "Cc":
        return " "
    return "" if category[0] == "C" else character


def _piece(plain: str, start: int) -> str:
    size = _DENSE_SIZE if _DENSE.search(plain, start, start + _DENSE_SIZE) else _SIZE
    return plain[start : start + size]
