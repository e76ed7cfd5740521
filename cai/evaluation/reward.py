"""Scores of answers by a trained reward model, a bounded number at a time so that progress can be seen."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from cai.engines.quiet import LogSink, redirected
from cai.errors import RequestError, UsageError
from cai.evaluation.figures import Row
from cai.evaluation.stats import EvaluationStats
from cai.records import Message, Usage

_ROWS_AT_ONCE = 64


class Scorer(Protocol):
    """A reward model, such as `cai.evaluation.reward_score.RewardModel`."""

    def scores(self, prompts: Sequence[tuple[Message, ...]], answers: Sequence[str]) -> list[float]:
        """Normalised reward of each answer to its prompt.

        Raises:
            RequestError: One is longer than the model can read.
        """
        ...


def load_scorer(model: str, log_path: Path) -> Scorer:
    """The reward model in a folder or on the hub.

    Args:
        model: Folder, or name on the hub.
        log_path: File for what the libraries print meanwhile.

    Raises:
        EngineError: There is none, or it gives no single reward.
        UsageError: What it runs on is not installed.
    """
    try:
        from cai.evaluation.reward_score import RewardModel
    except ImportError as error:
        fix = 'pip install "constitutional-ai[train]"'
        raise UsageError(f"a reward model cannot be loaded ({error})", where="reward_model", fix=fix) from error
    sink = LogSink(log_path)
    try:
        with redirected(sink):
            return RewardModel.load(model)
    finally:
        sink.close_file()


async def scored(scorer: Scorer, rows: Sequence[Row], stats: EvaluationStats) -> list[Row]:
    """The rows with their reward; without one where an answer is too long for the model."""
    done = []
    for some in _parts(rows):
        for row, reward in zip(some, _scores(scorer, some), strict=True):
            done.append(replace(row, reward=reward))
            stats.count(Usage(), failed=reward is None)
        # Scoring blocks the loop; between batches an interrupt can come through.
        await asyncio.sleep(0)
    return done


def _scores(scorer: Scorer, rows: Sequence[Row]) -> list[float | None]:
    try:
        return [*scorer.scores([row.item.prompt.messages for row in rows], [row.answer.text for row in rows])]
    except RequestError:
        if len(rows) == 1:
            return [None]
        # One of them is too long: the others are scored without it.
        return [score for row in rows for score in _scores(scorer, [row])]


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE]
