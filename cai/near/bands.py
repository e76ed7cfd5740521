"""The bands of a text: a few numbers of which two similar texts share at least one, and others hardly ever do.

MinHash is `datasketch`'s. Its own index keeps everything in Python's memory, so the numbers are all that is taken.
"""

import hashlib
import math
import zlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datasketch import MinHash

_PERMUTATIONS = 128
_SEED = 1
_AT_ONCE = 8192
"""Pieces that are hashed together: each takes 512 bytes while it is."""
_LEAST_RECALL = 0.98
"""Share of the pairs exactly at the threshold that are found; more alike ones are found more surely."""


class BandShape(NamedTuple):
    """How a signature is cut: `cuts` bands of `rows` values."""

    cuts: int
    rows: int

    def recall(self, similarity: float) -> float:
        """The probability that two texts of this Jaccard similarity share a band."""
        return float(1 - (1 - similarity**self.rows) ** self.cuts)


def band_shape(threshold: float) -> BandShape:
    """The longest bands, which have the fewest false candidates, that still find 98% of the pairs at the threshold."""
    shapes = [BandShape(_PERMUTATIONS // rows, rows) for rows in range(_PERMUTATIONS, 0, -1)]
    # Equal texts share every band, however rounding makes of a recall of 1.
    enough = (shape for shape in shapes if math.isclose(threshold, 1) or shape.recall(threshold) >= _LEAST_RECALL)
    return next(enough, shapes[-1])


def bands(pieces: frozenset[str], shape: BandShape) -> list[int]:
    """The bands of a set of pieces, as signed 64-bit numbers; they depend on nothing else, in any process."""
    signature = _nothing().copy()
    encoded = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
    for start in range(0, len(encoded), _AT_ONCE):
        signature.update_batch(encoded[start : start + _AT_ONCE])
    values = signature.hashvalues.astype("<u4")
    cuts = (values[band * shape.rows : (band + 1) * shape.rows].tobytes() for band in range(shape.cuts))
    return [_number(band, cut) for band, cut in enumerate(cuts)]


def _number(band: int, cut: bytes) -> int:
    digest = hashlib.blake2b(cut, digest_size=8, salt=band.to_bytes(2, "little")).digest()
    return int.from_bytes(digest, "little", signed=True)


@cache
def _nothing() -> "MinHash":
    """The signature of no piece. Copies of it share its permutations, which take longest to make."""
    from datasketch import MinHash

    # CRC-32 is quick and the same everywhere; the scheme mixes it before it permutes.
    return MinHash(_PERMUTATIONS, seed=_SEED, hashfunc=zlib.crc32, scheme="affine32")
