"""Ratings of each answer by itself, against numbers worked out by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.config.labels import RatingLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.errors import RequestError
from cai.labeling.rating import (
    RATINGS,
    RatingLabels,
    a_is_better,
    expected_rating,
    rating_of,
    scaled_reward,
)
from cai.records import Comparison, Label

Make = Callable[[str], Principle]
Run = Callable[..., Any]
TEN = tuple[float, ...]


def only(rating: int) -> TEN:
    return tuple(1.0 if index == rating else 0.0 for index in range(1, 11))


weights = st.lists(st.floats(0.001, 1), min_size=10, max_size=10)


def normal(values: list[float]) -> TEN:
    return tuple(value / sum(values) for value in values)


def test_by_hand() -> None:
    assert RATINGS[0] == "1" and RATINGS[-1] == "10"
    a, b = (0.5, 0.0, 0.5), (0.25, 0.5, 0.25)
    # A is 1: never above, equal with 0.25. A is 3: above with 0.75, equal with 0.25.
    assert a_is_better(a, b) == pytest.approx(0.5 * 0.125 + 0.5 * (0.75 + 0.125))
    assert expected_rating(a) == pytest.approx(2.0)
    assert a_is_better(only(7), only(3)) == 1.0
    assert a_is_better(only(3), only(7)) == 0.0
    assert a_is_better(only(5), only(5)) == 0.5


@pytest.mark.parametrize(("rating", "reward"), [(1, -1.0), (10, 1.0), (5, -1 / 9), (6, 1 / 9)])
def test_the_reward_goes_from_minus_one_to_one(rating: int, reward: float) -> None:
    assert scaled_reward(only(rating)) == pytest.approx(reward)


@given(weights, weights)
def test_turned_round_the_answer_is_mirrored(one: list[float], other: list[float]) -> None:
    a, b = normal(one), normal(other)
    assert a_is_better(a, b) + a_is_better(b, a) == pytest.approx(1)
    assert a_is_better(a[::-1], b[::-1]) == pytest.approx(a_is_better(b, a))
    assert expected_rating(a[::-1]) == pytest.approx(11 - expected_rating(a))
    assert -1 <= scaled_reward(a) <= 1


def test_the_distribution_is_what_is_left_of_the_mass() -> None:
    rated = rating_of([math.log(p) for p in (0.1, 0.3)] + [-math.inf] * 8)
    assert rated.distribution[:2] == pytest.approx((0.25, 0.75))
    assert rated.mass == pytest.approx(0.4)


@pytest.mark.parametrize("logprobs", [[-math.inf] * 10, [math.nan, *[-1.0] * 9]])
def test_no_rating_is_an_error_and_never_a_middle_one(logprobs: list[float]) -> None:
    with pytest.raises(RequestError, match="no rating"):
        rating_of(logprobs)


def judged(craft: Stagecraft, told: Any, run: Run, pair: Comparison, principle: Principle, negated: float) -> Label:
    def says(name: str, seen: str, role: str) -> TEN:
        kind = "a kind answer" in seen
        assert kind != ("a rude answer" in seen)
        short = "fall short" in seen
        assert short == bool(negated)
        return tuple(0.9 * p for p in (only(8) if kind != short else only(2)))

    label: Label = run(RatingLabels(RatingLabelConfig(negated=negated), craft, 0).label(pair, (principle,), told(says)))
    return label


def test_each_answer_is_shown_alone_and_rated(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    label = judged(craft, told, run, pair, principle("kind"), 0.0)
    (vote,) = label.votes
    assert vote.ratings == (only(8), only(2))
    assert (label.p_a, label.flipped, label.method) == (1.0, False, "rating")
    assert label.label_mass == pytest.approx(0.9)
    mirrored = judged(craft, told, run, pair.swap(), principle("kind"), 0.0)
    assert mirrored.p_a == 0.0


def test_ratings_of_how_badly_are_turned_back(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    label = judged(craft, told, run, pair, principle("kind"), 1.0)
    (vote,) = label.votes
    assert vote.negated
    # A shortcoming of 2 is a rating of 9.
    assert vote.ratings == (only(9), only(3))
    assert label.p_a == 1.0


def test_a_label_with_ratings_survives_the_journal(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    import json

    label = judged(craft, told, run, pair, principle("kind"), 0.0)
    assert Label.from_dict(json.loads(json.dumps(label.to_dict()))) == label


def test_the_reward_of_one_answer_is_the_mean_over_principles(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    def says(name: str, seen: str, role: str) -> TEN:
        return only(10) if "Be kind." in seen else only(1)

    method = RatingLabels(RatingLabelConfig(negated=1.0), craft, 0)
    some = (principle("kind"), principle("fair"), principle("calm"))
    assert run(method.reward(pair.prompt, "Hello", some, told(says))) == pytest.approx(-1 / 3)


def test_what_was_asked_holds_both_answers(pair: Comparison, principle: Make, craft: Stagecraft) -> None:
    asked = RatingLabels(RatingLabelConfig(), craft, 0).asked(pair, (principle("kind"),))
    assert len(asked) == 2
    assert "a kind answer" in str(asked[0]) and "a rude answer" in str(asked[1])
    assert "Be kind." in str(asked[0])
