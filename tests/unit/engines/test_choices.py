"""Scores of continuations add up, with no more questions than there are beginnings."""

import asyncio
import math

import pytest

from cai.engines.choices import NextTokens, score_choices
from cai.records import Usage


def test_one_question_for_single_tokens_and_one_more_for_each_beginning() -> None:
    questions: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    async def ask(before: tuple[int, ...], candidates: tuple[int, ...]) -> NextTokens:
        questions.append((before, candidates))
        return NextTokens({token: -float(token) for token in candidates}, Usage(1))

    single = asyncio.run(score_choices([(1,), (2,), (1,)], ask))
    assert single.logprobs == (-1.0, -2.0, -1.0)
    assert questions == [((), (1, 2))]
    questions.clear()
    several = asyncio.run(score_choices([(1, 5, 7), (1, 5, 8), (1,), (2, 9)], ask))
    without_longer = math.log(math.exp(-1) - math.exp(-13) - math.exp(-14))
    assert several.logprobs == pytest.approx((-13.0, -14.0, without_longer, -11.0))
    assert questions[0] == ((), (1, 2))
    assert sorted(questions[1:]) == [((1,), (5,)), ((1, 5), (7, 8)), ((2,), (9,))]
    assert several.usage == Usage(4)


def test_ten_takes_nothing_from_one_whether_its_digits_are_tokens_or_not() -> None:
    """Of 1, 10, 100 as beginnings of each other, and of the same as three tokens, the same is left."""
    chances = {(): {1: 0.8, 7: 0.1}, (1,): {0: 0.5}, (1, 0): {0: 0.25}}

    async def ask(before: tuple[int, ...], candidates: tuple[int, ...]) -> NextTokens:
        return NextTokens({token: math.log(chances[before][token]) for token in candidates}, Usage(1))

    digits = asyncio.run(score_choices([(1,), (1, 0), (7,), (1, 0, 0), (1, 0)], ask))
    assert [math.exp(score) for score in digits.logprobs] == pytest.approx([0.4, 0.3, 0.1, 0.1, 0.3])


def test_a_choice_that_is_always_followed_by_another_has_no_probability_left() -> None:
    async def ask(before: tuple[int, ...], candidates: tuple[int, ...]) -> NextTokens:
        return NextTokens(dict.fromkeys(candidates, 0.0 if before else -1.0), Usage(1))

    assert asyncio.run(score_choices([(1,), (1, 0)], ask)).logprobs == (-math.inf, -1.0)
