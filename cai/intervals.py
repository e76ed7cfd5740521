"""Intervals of figures, by drawing the prompts again (Efron 1979, the percentile bootstrap)."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_TAIL = 0.025


class Interval(NamedTuple):
    """The middle 95% of what the figure is on resampled prompts."""

    low: float
    high: float


def bootstrap(
    values: Sequence[T], figure: Callable[[Sequence[T]], Sequence[float]], rng: Random, resamples: int
) -> list[Interval]:
    """An interval for each number that `figure` gives.

    Args:
        values: What was measured on each prompt; at least one.
        figure: The figures of any such sample, of equal size.
        rng: Draws the resamples.
        resamples: How many.
    """
    drawn = [figure(rng.choices(values, k=len(values))) for _ in range(resamples)]
    return [_middle(sorted(column)) for column in zip(*drawn, strict=True)]


def _middle(ordered: Sequence[float]) -> Interval:
    last = len(ordered) - 1
    return Interval(ordered[round(_TAIL * last)], ordered[round((1 - _TAIL) * last)])
