"""Scores of continuations add up, with no more questions than there are beginnings."""

import asyncio

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
    assert several.logprobs == (-13.0, -14.0, -1.0, -11.0)
    assert questions[0] == ((), (1, 2))
    assert sorted(questions[1:]) == [((1,), (5,)), ((1, 5), (7, 8)), ((2,), (9,))]
    assert several.usage == Usage(4)
