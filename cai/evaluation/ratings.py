"""Ratings of many models from all their matches, on the scale of Elo: 400 points are odds of ten to one.

Bradley and Terry 1952: P(i beats j) = s_i / (s_i + s_j). The strengths s that make the results likeliest are found by
minorisation-maximisation (Hunter 2004, "MM algorithms for generalized Bradley-Terry models", equation 3). A tie is half
a win for each. One tie is added for every two models that met, so that one which never lost has a rating too.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from cai.evaluation.preference import Match
from cai.intervals import bootstrap

MEAN_RATING = 1000.0
_POINTS = 400.0
_MOST_STEPS = 2000
_CLOSE = 1e-9

Wins = Mapping[tuple[str, str], float]
"""Wins of the first over the second, ties counted as a half."""


def rating_figures(matches: Sequence[Match], seed: int, resamples: int) -> list[dict[str, Any]]:
    """A rating for each model that met another, best first; the mean is 1000. Intervals are over draws of prompts."""
    by_prompt: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for match in matches:
        by_prompt[match.item.set, match.item.prompt.id].append(match)
    if not by_prompt:
        return []
    names = sorted({name for match in matches for name in (match.a, match.b)})
    met = {frozenset((match.a, match.b)) for match in matches}

    def figure(drawn: Sequence[Sequence[Match]]) -> list[float]:
        found = ratings(wins_of((match for some in drawn for match in some), met))
        return [found[name] for name in names]

    prompts = list(by_prompt.values())
    intervals = bootstrap(prompts, figure, Random(f"ratings/{seed}"), resamples)
    rows = zip(names, figure(prompts), intervals, strict=True)
    listed = [{"model": name, "rating": rating, "low": low, "high": high} for name, rating, (low, high) in rows]
    return sorted(listed, key=lambda row: -float(str(row["rating"])))


def wins_of(matches: Iterable[Match], met: Iterable[frozenset[str]]) -> Wins:
    """Wins of each model over each other, with one tie more for every two that `met`."""
    wins: dict[tuple[str, str], float] = defaultdict(float)
    for one, other in map(sorted, met):
        wins[one, other] = wins[other, one] = 0.5
    for match in matches:
        score = match.score
        wins[match.a, match.b] += score
        wins[match.b, match.a] += 1 - score
    return wins


def ratings(wins: Wins) -> dict[str, float]:
    """Elo-scaled Bradley-Terry ratings by name; their mean is 1000."""
    logs = {name: math.log10(strength) for name, strength in strengths(wins).items()}
    mean = sum(logs.values()) / len(logs)
    return {name: MEAN_RATING + _POINTS * (log - mean) for name, log in logs.items()}


def strengths(wins: Wins) -> dict[str, float]:
    """The likeliest strengths, with a geometric mean of 1. Every model must have won something, if half a match."""
    won: dict[str, float] = defaultdict(float)
    for (winner, _), count in wins.items():
        won[winner] += count
    found = dict.fromkeys(won, 1.0)
    for _ in range(_MOST_STEPS):
        # Each match counts from both of its sides: wins[i, j] + wins[j, i] matches between i and j.
        load: dict[str, float] = defaultdict(float)
        for (one, other), count in wins.items():
            share = count / (found[one] + found[other])
            load[one] += share
            load[other] += share
        after = _scaled({name: won[name] / load[name] for name in found})
        moved = max(abs(math.log(after[name] / found[name])) for name in found)
        found = after
        if moved < _CLOSE:
            break
    return found


def _scaled(values: Mapping[str, float]) -> dict[str, float]:
    mean = math.exp(sum(map(math.log, values.values())) / len(values))
    return {name: value / mean for name, value in values.items()}
