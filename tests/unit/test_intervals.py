"""The percentile bootstrap: right on average, the same for the same seed, and tight where nothing varies."""

from collections.abc import Sequence
from random import Random

import pytest

from cai.intervals import bootstrap


def mean(values: Sequence[float]) -> tuple[float]:
    return (sum(values) / len(values),)


def test_a_share_of_a_hundred() -> None:
    # The standard error of one half of 100 is 0.05, so the interval is about 0.5 +- 1.96 * 0.05.
    ((low, high),) = bootstrap([0.0, 1.0] * 50, mean, Random(1), 4000)
    assert low == pytest.approx(0.402, abs=0.012)
    assert high == pytest.approx(0.598, abs=0.012)


def test_equal_values_have_no_spread() -> None:
    assert bootstrap([0.25] * 9, mean, Random(1), 50) == [(0.25, 0.25)]


def test_a_seed_repeats_it_and_another_does_not() -> None:
    values = [float(number) for number in range(40)]
    first, again, other = (bootstrap(values, mean, Random(seed), 99) for seed in (1, 1, 2))
    assert first == again != other


def test_several_figures_at_once() -> None:
    least, most = bootstrap([1.0, 2.0, 3.0], lambda some: (min(some), max(some)), Random(0), 400)
    assert (least.low, most.high) == (1, 3)
    assert least.low <= least.high <= most.high
