"""How often one model's answer is better than another's, with an interval. A tie counts as half a win."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from cai.evaluation.preference import Match
from cai.evaluation.suites import Item
from cai.intervals import bootstrap


def preference_figures(matches: Sequence[Match], seed: int, resamples: int) -> list[dict[str, Any]]:
    """For every two models that met: A's figures against B, at the top, by what is expected, by hazard and by set."""
    pairs: dict[tuple[str, str], list[Match]] = {}
    for match in matches:
        pairs.setdefault((match.a, match.b), []).append(match)
    return [{"a": a, "b": b, **_figures(met, seed, resamples)} for (a, b), met in pairs.items()]


def win_rate(matches: Sequence[Match], seed: int, resamples: int) -> dict[str, Any]:
    """A's share of wins in matches of one pair; `low` and `high` hold it in 95 of 100 draws of the prompts.

    `flip_rate`: share of the matches that were judged in which the verdict turned with the order of the answers.
    `longer_preferred`: of those won by an answer that has more or fewer words, the share that the longer one won.
    """
    scores = [match.score for match in matches]
    labels = [match.label for match in matches if match.label is not None]
    low, high = None, None
    if scores:
        rng = Random(f"win rate/{seed}/{matches[0].a}/{matches[0].b}")
        ((low, high),) = bootstrap(scores, lambda drawn: (sum(drawn) / len(drawn),), rng, resamples)
    return {
        "win_rate_a": _mean(scores),
        "low": low,
        "high": high,
        "n": len(scores),
        "ties": scores.count(0.5),
        "flip_rate": _mean([label.flipped for label in labels]),
        "mean_label_mass": _mean([label.label_mass for label in labels]),
        "longer_preferred": _mean([won for match in matches if (won := _longer_won(match)) is not None]),
    }


def _longer_won(match: Match) -> bool | None:
    """Whether the answer with more words won; None without a winner or a longer answer."""
    more = len(match.response_a.split()) - len(match.response_b.split())
    return None if match.score == 0.5 or not more else (match.score == 1.0) == (more > 0)


def _figures(matches: Sequence[Match], seed: int, resamples: int) -> dict[str, Any]:
    def by(key: Callable[[Item], str | None]) -> dict[str, dict[str, Any]]:
        names = sorted({name for match in matches if (name := key(match.item)) is not None})
        return {name: rate(match for match in matches if key(match.item) == name) for name in names}

    def rate(some: Iterable[Match]) -> dict[str, Any]:
        return win_rate(list(some), seed, resamples)

    return {
        **rate(matches),
        "harmful": rate(match for match in matches if match.item.harmful),
        "benign": rate(match for match in matches if not match.item.harmful),
        "by_hazard": by(lambda item: item.prompt.hazard if item.harmful else None),
        "by_set": by(lambda item: item.set),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
