"""Labels from the log-probabilities of the two letters, asked in both orders (Lee et al. 2023, section 3.1).

The probability that the first answer is better is the softmax over the two log-probabilities; asking again with the
answers swapped and taking the mean cancels the judge's liking for a position.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, NamedTuple

from cai.config.labels import ChoiceLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import EnginePrompt
from cai.errors import RequestError
from cai.labeling.base import LABELER, Judge
from cai.records import Comparison, Label, Vote

LETTERS = ("A", "B")
Order = Literal["ab", "ba"]
ORDERS: tuple[Order, Order] = ("ab", "ba")


class Question(NamedTuple):
    """One request to the judge."""

    principle_id: str
    order: Order
    prompt: EnginePrompt


class ChoiceLabels:
    """Asks which letter is better, for each principle in both orders."""

    roles = (LABELER,)

    def __init__(self, config: ChoiceLabelConfig, craft: Stagecraft, seed: int) -> None:
        self.config = config
        self._seed = seed
        self._craft = craft

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """The text of every question."""
        return [[q.principle_id, q.order, asdict(q.prompt)] for q in self._questions(comparison, principles)]

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge a comparison: the mean of `p_a` over principles and orders.

        Raises:
            RequestError: The judge gave neither letter any probability.
        """
        questions = self._questions(comparison, principles)
        # Each is waited for even if one fails, so that none is left running when its record has ended.
        votes = await asyncio.gather(*(_vote(question, judge) for question in questions), return_exceptions=True)
        return combine(comparison.id, [_cast(vote) for vote in votes], method="choice")

    def _questions(self, comparison: Comparison, principles: Sequence[Principle]) -> list[Question]:
        shown = {"ab": comparison, "ba": comparison.swap()}
        return [
            Question(
                principle.id,
                order,
                self._craft.comparison(
                    comparison.prompt.messages,
                    shown[order].response_a,
                    shown[order].response_b,
                    principle.comparison_question,
                ),
            )
            for principle in principles
            for order in ORDERS
        ]


async def _vote(question: Question, judge: Judge) -> Vote:
    scores = await judge.score(f"{question.principle_id}/{question.order}", question.prompt, LETTERS)
    p_first, mass = first_is_better(*scores.logprobs)
    return Vote(question.principle_id, question.order, p_first if question.order == "ab" else 1 - p_first, mass)


def _cast(vote: Vote | BaseException) -> Vote:
    if isinstance(vote, BaseException):
        raise vote
    return vote


def first_is_better(logprob_first: float, logprob_second: float) -> tuple[float, float]:
    """Probability that the first of two choices is meant, and the probability that either is.

    Args:
        logprob_first: Natural-log probability of the first choice over the whole vocabulary.
        logprob_second: The same for the second.

    Raises:
        RequestError: Both are minus infinity or not numbers: there is no verdict.
    """
    top = max(logprob_first, logprob_second)
    if not math.isfinite(top) or math.isnan(logprob_first + logprob_second):
        raise RequestError(
            "the labeler gave neither letter any probability",
            fix="look at the comparison with `cai inspect`; the labeler may not follow the form of the question",
        )
    first, second = math.exp(logprob_first - top), math.exp(logprob_second - top)
    return first / (first + second), min(1.0, math.exp(top) * (first + second))


def combine(comparison_id: str, votes: Sequence[Vote], method: str) -> Label:
    """The mean over votes. `flipped`: for more than half of the principles, the two orders gave opposite verdicts.

    A vote of exactly one half is no verdict, and opposite to none.
    """
    by_principle: dict[str, dict[str, float]] = {}
    for vote in votes:
        by_principle.setdefault(vote.principle_id, {})[vote.order] = vote.p_a
    flips = [(orders["ab"] - 0.5) * (orders["ba"] - 0.5) < 0 for orders in by_principle.values() if len(orders) == 2]
    return Label(
        comparison_id=comparison_id,
        p_a=math.fsum(vote.p_a for vote in votes) / len(votes),
        label_mass=math.fsum(vote.mass for vote in votes) / len(votes),
        flipped=sum(flips) * 2 > len(flips),
        method=method,
        votes=tuple(votes),
    )
