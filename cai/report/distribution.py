"""Distributions that are counted while rows stream by, in memory that does not grow with their number."""

from collections import Counter

BINS = 20


class Lengths:
    """Whole numbers; above 1,000 they are kept to three digits, so that only so many can be different."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, length: int) -> None:
        """Count one."""
        self._counts[_rounded(length)] += 1

    @property
    def n(self) -> int:
        """How many were counted."""
        return self._counts.total()

    def quantile(self, q: float) -> int | None:
        """The smallest length that at least the share `q` does not exceed; None of nothing."""
        wanted = q * self.n
        seen = 0
        for length in sorted(self._counts):
            seen += self._counts[length]
            if seen >= wanted:
                return length
        return None

    @property
    def mean(self) -> float | None:
        """The average; None of nothing."""
        return sum(length * count for length, count in self._counts.items()) / self.n if self.n else None


class Histogram:
    """Numbers from 0 to 1 in bins of equal width; the last bin holds 1 as well."""

    def __init__(self, bins: int = BINS) -> None:
        self.counts = [0] * bins

    def add(self, value: float) -> None:
        """Count one."""
        bins = len(self.counts)
        self.counts[min(bins - 1, max(0, int(value * bins)))] += 1

    def edges(self) -> list[tuple[float, float]]:
        """Lower and upper edge of each bin."""
        bins = len(self.counts)
        return [(index / bins, (index + 1) / bins) for index in range(bins)]


def _rounded(length: int) -> int:
    step = 1
    while length >= 1000 * step:
        step *= 10
    return length // step * step
