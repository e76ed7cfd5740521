"""Which texts of a collection are near-duplicates, for collections that do not fit into memory.

Texts and bands lie in temporary files, so that memory stays at some 40 MB however many texts there are.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Self

from cai.near.bands import band_shape, bands
from cai.near.scratch import Scratch
from cai.near.shingles import jaccard, normalised, shingles

_CACHE_KIB = 32768
_MOST_COMPARED = 64
"""Candidates that one text is compared with, those that share most bands first: a bound for collections in which
everything is made from one pattern."""

_TABLES = (
    "CREATE TABLE text (number INTEGER PRIMARY KEY, key TEXT NOT NULL, pieces INTEGER NOT NULL, plain BLOB NOT NULL)",
    "CREATE TABLE band (value INTEGER, number INTEGER, PRIMARY KEY (value, number)) WITHOUT ROWID",
)


class Near(NamedTuple):
    """A text that another is near to: its number, and how alike they are (Jaccard)."""

    number: int
    similarity: float


class _Sketch(NamedTuple):
    """A text as it is compared."""

    plain: str
    pieces: frozenset[str]
    bands: list[int]


class NearDuplicates:
    """Texts by key, in the order in which they were added, and the near-duplicates among them. Close it when done."""

    def __init__(self, threshold: float = 0.8) -> None:
        """Make an empty index.

        Args:
            threshold: Least Jaccard similarity of near-duplicates, above 0 up to 1 (equal but for case, spaces and
                punctuation).
        """
        self.threshold = threshold
        self._shape = band_shape(threshold)
        self._scratch = Scratch(*_TABLES, cache_kib=_CACHE_KIB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything; safe to call twice."""
        self._scratch.close()

    def key(self, number: int) -> str:
        """The key of a text by its number."""
        row = self._scratch.row("SELECT key FROM text WHERE number = ?", number)
        if row is None:
            raise KeyError(number)
        return str(row[0])

    def add(self, key: str, text: str) -> tuple[int, list[Near]]:
        """Add a text; returns its number, from 1, and the earlier ones that it is near to: those that share most bands
        with it first."""
        sketch = self._sketch(text)
        near = list(self._near(sketch))
        return self._insert(key, sketch), near

    def first_like(self, key: str, text: str) -> str | None:
        """Add a text that is near to none, and return None; else the key of the one that it is near to."""
        sketch = self._sketch(text)
        found = next(self._near(sketch), None)
        if found is None:
            self._insert(key, sketch)
        return None if found is None else self.key(found.number)

    def _sketch(self, text: str) -> _Sketch:
        plain = normalised(text)
        pieces = shingles(plain)
        return _Sketch(plain, pieces, bands(pieces, self._shape))

    def _insert(self, key: str, sketch: _Sketch) -> int:
        stored = sketch.plain.encode("utf-8", "surrogatepass")
        insert = "INSERT INTO text (key, pieces, plain) VALUES (?, ?, ?)"
        number = self._scratch.put(insert, key, len(sketch.pieces), stored)
        self._scratch.put_all("INSERT OR IGNORE INTO band VALUES (?, ?)", [(value, number) for value in sketch.bands])
        return number

    def _near(self, sketch: _Sketch) -> Iterator[Near]:
        pieces = sketch.pieces
        for number in self._candidates(sketch.bands):
            count, plain = self._scratch.row("SELECT pieces, plain FROM text WHERE number = ?", number) or (0, b"")
            # Sets of very different sizes cannot be alike, whatever is in them.
            if min(count, len(pieces)) < self.threshold * max(count, len(pieces)):
                continue
            similarity = jaccard(pieces, shingles(plain.decode("utf-8", "surrogatepass")))
            if similarity >= self.threshold:
                yield Near(number, similarity)

    def _candidates(self, values: list[int]) -> list[int]:
        shared: Counter[int] = Counter()
        for value in values:
            rows = self._scratch.rows(
                "SELECT number FROM band WHERE value = ? ORDER BY number LIMIT ?", value, _MOST_COMPARED
            )
            shared.update(number for (number,) in rows)
        return sorted(shared, key=lambda number: (-shared[number], number))[:_MOST_COMPARED]
