"""Ratings, against numbers worked out by hand and the equations that the likeliest strengths must meet."""

import math
from collections.abc import Callable
from random import Random

import pytest

from cai.evaluation.preference import Match
from cai.evaluation.ratings import rating_figures, ratings, strengths, wins_of


def test_two_models_by_hand() -> None:
    # Odds of ten to one are 400 points.
    assert ratings({("a", "b"): 10, ("b", "a"): 1}) == pytest.approx({"a": 1200, "b": 800})


def test_a_chain_adds_up() -> None:
    # a beats b 3:1 and b beats c 3:1; a and c never met, so their odds are 9:1.
    found = strengths({("a", "b"): 3, ("b", "a"): 1, ("b", "c"): 3, ("c", "b"): 1})
    assert found["a"] / found["c"] == pytest.approx(9, rel=1e-5)


def test_a_circle_is_a_tie() -> None:
    circle = {("a", "b"): 2.0, ("b", "a"): 1.0, ("b", "c"): 2.0, ("c", "b"): 1.0, ("c", "a"): 2.0, ("a", "c"): 1.0}
    assert set(ratings(circle).values()) == {1000.0}


def test_the_likeliest_strengths_expect_what_happened() -> None:
    rng = Random(3)
    names = "abcde"
    wins = {(one, other): float(rng.randint(1, 30)) for one in names for other in names if one != other}
    found = strengths(wins)
    for one in names:
        others = [other for other in names if other != one]
        played = {other: wins[one, other] + wins[other, one] for other in others}
        expected = sum(played[other] * found[one] / (found[one] + found[other]) for other in others)
        assert expected == pytest.approx(sum(wins[one, other] for other in others), rel=1e-6)
    assert math.prod(found.values()) == pytest.approx(1)


def test_wins_and_ties_are_counted_from_both_sides(match: Callable[..., Match]) -> None:
    wins = wins_of([match(0.9), match(0.9), match(0.1), match(None)], [frozenset("ab")])
    # Two wins, half of the tie, and half of the one that is added.
    assert wins == {("a", "b"): 3.0, ("b", "a"): 2.0}


def test_a_model_that_never_lost_has_a_rating(match: Callable[..., Match]) -> None:
    matches = [match(0.9, text=str(number)) for number in range(9)]
    best, other = rating_figures(matches, 0, 50)
    # 9.5 wins to 0.5 with the tie that is added.
    assert best["model"] == "a"
    assert best["rating"] - other["rating"] == pytest.approx(400 * math.log10(9.5 / 0.5))
    assert best["low"] == best["rating"] == best["high"]


def test_intervals_are_over_prompts_and_hold_the_rating(match: Callable[..., Match]) -> None:
    matches = [match(0.9 if number % 3 else 0.1, text=str(number)) for number in range(60)]
    matches += [match(0.9, a="c", text=str(number)) for number in range(60)]
    rows = rating_figures(matches, 0, 100)
    assert [row["model"] for row in rows] == ["c", "a", "b"]
    assert sum(row["rating"] for row in rows) == pytest.approx(3000)
    assert all(row["low"] <= row["rating"] <= row["high"] for row in rows)
    assert rows[1]["low"] < rows[1]["high"]
    assert rating_figures(matches, 0, 100) == rows


def test_no_matches_are_no_ratings() -> None:
    assert rating_figures([], 0, 10) == []
