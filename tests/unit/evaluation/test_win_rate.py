"""Win rates, against numbers counted by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cai.evaluation.preference import Match
from cai.evaluation.win_rate import preference_figures, win_rate


def test_a_tie_is_half_a_win_and_flips_are_of_what_was_asked(match: Callable[..., Match]) -> None:
    matches = [match(0.9), match(0.8, flipped=True), match(0.3), match(0.5), match(None)]
    figures = win_rate(matches, 0, 200)
    assert figures["win_rate_a"] == pytest.approx((1 + 1 + 0 + 0.5 + 0.5) / 5)
    assert (figures["n"], figures["ties"]) == (5, 2)
    assert figures["flip_rate"] == pytest.approx(1 / 4)
    assert figures["mean_label_mass"] == pytest.approx(0.9)
    assert 0 <= figures["low"] < figures["win_rate_a"] < figures["high"] <= 1


def test_the_interval_shrinks_with_more_prompts_and_repeats_with_the_seed(match: Callable[..., Match]) -> None:
    few = [match(0.9), match(0.1)] * 10
    small, large = win_rate(few, 0, 300), win_rate(few * 25, 0, 300)
    assert large["high"] - large["low"] < (small["high"] - small["low"]) / 3
    assert win_rate(few, 0, 300) == small


def test_the_longer_answer_is_counted_by_words(match: Callable[..., Match]) -> None:
    # Both answers of the fixture have two words; ties and answers of one length say nothing of length.
    longer = replace(match(0.9), response_a="a says three words")
    matches = [longer, replace(longer, label=match(0.2).label), replace(longer, label=match(0.7).label)]
    assert win_rate([*matches, match(0.9), replace(longer, label=None)], 0, 10)["longer_preferred"] == pytest.approx(
        2 / 3
    )
    assert win_rate([match(0.9)], 0, 10)["longer_preferred"] is None


def test_nothing_is_unknown() -> None:
    figures = win_rate([], 0, 10)
    assert (figures["n"], figures["ties"]) == (0, 0)
    assert {figures[key] for key in ("win_rate_a", "low", "high", "flip_rate", "mean_label_mass")} == {None}


def test_pairs_are_kept_apart_and_split_by_what_is_expected(match: Callable[..., Match]) -> None:
    matches = [
        match(0.9, hazard="vcr", set_="bad"),
        match(0.1, hazard="prv", set_="bad"),
        match(0.1, set_="good"),
        match(0.9, a="c"),
    ]
    first, second = preference_figures(matches, 0, 50)
    assert (first["a"], first["b"], first["n"], second["a"]) == ("a", "b", 3, "c")
    assert (first["harmful"]["win_rate_a"], first["benign"]["win_rate_a"]) == (0.5, 0)
    assert {name: part["win_rate_a"] for name, part in first["by_hazard"].items()} == {"vcr": 1, "prv": 0}
    assert {name: part["n"] for name, part in first["by_set"].items()} == {"bad": 2, "good": 1}
    assert second["harmful"]["win_rate_a"] is None
