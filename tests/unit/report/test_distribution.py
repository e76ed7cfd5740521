"""Streamed distributions agree with sorted lists, and stay small."""

from hypothesis import given
from hypothesis import strategies as st

from cai.report.distribution import Histogram, Lengths

LENGTHS = st.lists(st.integers(min_value=0, max_value=999), min_size=1)


@given(LENGTHS, st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9, 1.0]))
def test_a_quantile_is_the_smallest_length_that_reaches_the_share(values: list[int], q: float) -> None:
    lengths = Lengths()
    for value in values:
        lengths.add(value)
    expected = next(v for v in sorted(values) if sum(other <= v for other in values) >= q * len(values))
    assert lengths.quantile(q) == expected
    assert lengths.n == len(values) and lengths.mean == sum(values) / len(values)


def test_nothing_has_no_quantile() -> None:
    assert (Lengths().quantile(0.5), Lengths().mean, Lengths().n) == (None, None, 0)


def test_long_lengths_are_rounded_so_that_few_differ() -> None:
    lengths = Lengths()
    for value in range(1, 200_000, 7):
        lengths.add(value)
    assert len(lengths._counts) < 3000
    assert lengths.quantile(1.0) == 199_000
    lengths.add(1_234_567)
    assert lengths.quantile(1.0) == 1_230_000


@given(st.lists(st.floats(min_value=0, max_value=1)))
def test_every_value_is_in_the_bin_that_holds_it(values: list[float]) -> None:
    histogram = Histogram(4)
    for value in values:
        histogram.add(value)
    assert sum(histogram.counts) == len(values)
    assert histogram.counts[3] == sum(value >= 0.75 for value in values)
    assert histogram.edges()[0] == (0.0, 0.25)
