"""How far a reward model's probabilities can be trusted, and how often it ranks a pair rightly.

Plain numbers in and out; nothing here knows a model or a file. A pair's *lead* is the reward of the chosen answer less
that of the rejected one; the model says that the chosen answer is the better one with probability `s(lead / T)`, s the
logistic function and T the temperature. The *target* is the label's own probability (`p_chosen`; 1 for a label that is
certain).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

BINS = 10
COLDEST, HOTTEST = 0.02, 50.0
"""Bounds of a fitted temperature."""


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """A labelled pair with the model's lead; `length_difference` is chosen less rejected, in tokens of the answers."""

    lead: float
    target: float
    hazard: str | None = None
    length_difference: int = 0


class ReliabilityBin(NamedTuple):
    """Pairs of about the same confidence: its mean, the share of verdicts that the labels confirm, the number."""

    p: float
    accuracy: float
    n: int


class Slice(NamedTuple):
    """Ranking accuracy on a part of the pairs."""

    accuracy: float
    n: int


class LengthSlice(NamedTuple):
    """Ranking accuracy on the pairs whose length difference lies from `low` to `high`, both included."""

    low: int
    high: int
    accuracy: float
    n: int


def probability(lead: float, temperature: float = 1.0) -> float:
    """Probability that the chosen answer is better: `s(lead / T)`, without overflow."""
    x = lead / temperature
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def negative_log_likelihood(pairs: Sequence[ScoredPair], temperature: float = 1.0) -> float:
    """Mean cross-entropy of the targets under the model's probabilities, in nats.

    Raises:
        ValueError: There are no pairs.
    """
    return _mean([_cross_entropy(pair.lead / temperature, pair.target) for pair in pairs])


def fit_temperature(pairs: Sequence[ScoredPair]) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017, arXiv 1706.04599, section 4.2).

    In the inverse temperature it is convex, so halving an interval finds the one optimum, the same on every machine.
    Where the data have none inside `COLDEST` to `HOTTEST`, the bound is returned: every pair ranked rightly with
    certain labels wants no temperature at all, labels that contradict the model want an endless one. Without pairs, or
    with leads that are all zero, nothing can be learned and the temperature is 1.
    """
    if not any(pair.lead for pair in pairs):
        return 1.0
    low, high = math.log(1 / HOTTEST), math.log(1 / COLDEST)
    if _slope(pairs, math.exp(low)) >= 0:
        return HOTTEST
    if _slope(pairs, math.exp(high)) <= 0:
        return COLDEST
    for _ in range(60):
        middle = (low + high) / 2
        if _slope(pairs, math.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return math.exp(-(low + high) / 2)


def cross_fitted(pairs: Sequence[ScoredPair]) -> list[float]:
    """Probability of each pair at a temperature fitted on the other half of the pairs, never on its own.

    The halves are every second pair each, so the caller's order (by id, not by label) decides. A single pair has no
    other half: its temperature is 1.
    """
    halves = [fit_temperature(pairs[1::2]), fit_temperature(pairs[0::2])]
    return [probability(pair.lead, halves[index % 2]) for index, pair in enumerate(pairs)]


def reliability(
    probabilities: Sequence[float], targets: Sequence[float], bins: int = BINS, *, equal_count: bool = False
) -> list[ReliabilityBin]:
    """Confidence against agreement, in bins that hold at least one pair, by rising confidence.

    The verdict on a pair is the answer that the model thinks better; its confidence, from 0.5 to 1, is the probability
    it gives to that; the agreement is the probability that the label gives to that (0 or 1 where labels are certain).

    Args:
        probabilities: Of the chosen answers.
        targets: Of the chosen answers, by the labels.
        bins: How many: of equal width from 0.5 to 1, or of equal count.
        equal_count: Each bin holds as many pairs, so that none rests on two or three.
    """
    verdicts = sorted(
        (q, target) if q >= 0.5 else (1 - q, 1 - target) for q, target in zip(probabilities, targets, strict=True)
    )
    count = len(verdicts)
    groups: list[list[tuple[float, float]]] = [[] for _ in range(bins)]
    for index, verdict in enumerate(verdicts):
        place = index * bins // count if equal_count else int((verdict[0] - 0.5) * 2 * bins)
        groups[min(place, bins - 1)].append(verdict)
    return [
        ReliabilityBin(_mean([q for q, _ in group]), _mean([agreed for _, agreed in group]), len(group))
        for group in groups
        if group
    ]


def expected_calibration_error(table: Sequence[ReliabilityBin]) -> float | None:
    """Distance of confidence from agreement, averaged over the pairs (Naeini et al. 2015); None without pairs.

    With few pairs it is above zero even for a perfect model, by chance alone.
    """
    total = sum(row.n for row in table)
    return sum(row.n * abs(row.p - row.accuracy) for row in table) / total if total else None


def decided(pairs: Sequence[ScoredPair], least: float) -> list[ScoredPair]:
    """Pairs whose label is at least this sure of either answer; the others are ties, which cannot be ranked rightly."""
    return [pair for pair in pairs if max(pair.target, 1 - pair.target) >= least]


def pairwise_accuracy(pairs: Sequence[ScoredPair]) -> float | None:
    """Share of pairs that the model ranks as their label does; an equal reward is half right. None without pairs."""
    return _mean([_rightness(pair) for pair in pairs]) if pairs else None


def accuracy_by_hazard(pairs: Sequence[ScoredPair]) -> dict[str, Slice]:
    """Ranking accuracy for each hazard, sorted by name; pairs without one are under "none"."""
    groups: dict[str, list[ScoredPair]] = {}
    for pair in pairs:
        groups.setdefault(pair.hazard or "none", []).append(pair)
    return {name: Slice(_mean([_rightness(p) for p in groups[name]]), len(groups[name])) for name in sorted(groups)}


def accuracy_by_length_difference(pairs: Sequence[ScoredPair], bins: int = 5) -> list[LengthSlice]:
    """Ranking accuracy in at most `bins` groups of about equal size, from "chosen is shorter" to "chosen is longer".

    Pairs with the same difference are never parted. A model that has learned length is good at one end only.
    """
    ordered = sorted(pairs, key=lambda pair: pair.length_difference)
    slices: list[LengthSlice] = []
    start = 0
    for index in range(bins):
        end = max(start, (index + 1) * len(ordered) // bins)
        while 0 < end < len(ordered) and ordered[end].length_difference == ordered[end - 1].length_difference:
            end += 1
        group = ordered[start:end]
        if group:
            accuracy = _mean([_rightness(pair) for pair in group])
            slices.append(LengthSlice(group[0].length_difference, group[-1].length_difference, accuracy, len(group)))
        start = end
    return slices


def _rightness(pair: ScoredPair) -> float:
    """1 if model and label prefer the same answer, 1/2 if the model has none, 0 else."""
    lead = pair.lead if pair.target >= 0.5 else -pair.lead
    return 0.5 if lead == 0 else float(lead > 0)


def _cross_entropy(x: float, target: float) -> float:
    """`-t log s(x) - (1-t) log s(-x)`, which is `log(1 + e^-|x|) + max(x, 0) - t x`."""
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0) - target * x


def _slope(pairs: Sequence[ScoredPair], inverse: float) -> float:
    """Derivative of the cross-entropy by the inverse temperature."""
    return _mean([(probability(pair.lead * inverse) - pair.target) * pair.lead for pair in pairs])


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("a mean of nothing")
    return math.fsum(values) / len(values)
