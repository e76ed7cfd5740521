"""Rewards of many answers, and of those among which one is too long."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cai.errors import EngineError, RequestError
from cai.evaluation.figures import Row
from cai.evaluation.reward import load_scorer, scored
from cai.evaluation.stats import EvaluationStats
from cai.records import Message


class Lengths:
    """The reward is the length of the answer; long ones are refused."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def scores(self, prompts: Sequence[tuple[Message, ...]], answers: Sequence[str]) -> list[float]:
        self.batches.append(len(answers))
        if any(len(answer) > 9 for answer in answers):
            raise RequestError("too long")
        return [float(len(answer)) for answer in answers]


def test_each_answer_has_its_own_reward(row: Callable[..., Row]) -> None:
    scorer, stats = Lengths(), EvaluationStats()
    rows = asyncio.run(scored(scorer, [row("x" * (number % 7)) for number in range(100)], stats))
    assert [found.reward for found in rows] == [number % 7 for number in range(100)]
    assert len(scorer.batches) == 2
    assert (stats.done, stats.failed) == (100, 0)


def test_one_that_is_too_long_takes_no_other_with_it(row: Callable[..., Row]) -> None:
    stats = EvaluationStats()
    rows = asyncio.run(scored(Lengths(), [row("ab"), row("x" * 10), row("abc")], stats))
    assert [found.reward for found in rows] == [2, None, 3]
    assert stats.failed == 1


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such model folder"):
        load_scorer("./nowhere/at all", tmp_path / "reward.log")
