"""What changed between two answers, word by word, so that both can stand side by side with the change marked."""

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

# A word or a sign, with the space after it; scripts that are written without spaces go character by character.
_TOKEN = re.compile(r"(?:[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s])\s*|\s+")
_MOST = 4_000_000
"""Longest comparison, in tokens of one text times tokens of the other; beyond it all counts as changed."""
_ISLAND = 1
"""So many words that stayed between two changes are shown as changed too: alone they only disturb."""


class Piece(NamedTuple):
    """A stretch of a text."""

    kind: Literal["same", "gone", "new"]
    text: str


class Marked(NamedTuple):
    """The pieces of two texts; together each side's pieces are the text."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


def marked(before: str, after: str) -> Marked:
    """Compare two texts."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    left: list[Piece] = []
    right: list[Piece] = []
    for same, gone, come in _stretches(old, new):
        left.append(Piece("same" if same else "gone", "".join(gone)))
        right.append(Piece("same" if same else "new", "".join(come)))
    return Marked(_joined(left), _joined(right))


def changed_share(before: str, after: str) -> float:
    """How much of two texts differs, 0 to 1, by the words in them whatever their order; quick enough for every row."""
    if before == after:
        return 0.0
    old, new = Counter(before.split()), Counter(after.split())
    both = old.total() + new.total()
    return 1 - 2 * (old & new).total() / both if both else 0.0


def _stretches(old: list[str], new: list[str]) -> list[tuple[bool, list[str], list[str]]]:
    if len(old) * len(new) > _MOST:
        return [(False, old, new)]
    matcher = SequenceMatcher(None, [t.strip() for t in old], [t.strip() for t in new], autojunk=False)
    found = [(tag == "equal", old[a:b], new[c:d]) for tag, a, b, c, d in matcher.get_opcodes()]
    merged: list[tuple[bool, list[str], list[str]]] = []
    for index, (same, gone, come) in enumerate(found):
        inside = 0 < index < len(found) - 1
        island = same and inside and sum(token[0].isalnum() for token in gone) <= _ISLAND
        if merged and not merged[-1][0] and (island or not same):
            merged[-1] = (False, merged[-1][1] + gone, merged[-1][2] + come)
        else:
            merged.append((same and not island, gone, come))
    return merged


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """The pieces that hold anything, the space after a mark outside of it."""
    found: list[Piece] = []
    for kind, text in pieces:
        inner = text if kind == "same" else text.rstrip()
        for piece in (Piece(kind, inner), Piece("same", text[len(inner) :])):
            if piece.text and found and found[-1].kind == piece.kind:
                found[-1] = Piece(piece.kind, found[-1].text + piece.text)
            elif piece.text:
                found.append(piece)
    return tuple(found)
