"""Labels from the log-probabilities of the two letters, asked in both orders (Lee et al. 2023, section 3.1).

The probability that the first answer is better is the softmax over the two log-probabilities; asking again with the
answers swapped and taking the mean cancels the judge's liking for a position.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cai.config.labels import ChoiceLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import EnginePrompt
from cai.errors import RequestError
from cai.labeling.base import LABELER, Judge
from cai.labeling.questions import LETTERS, NEGATED, NEGATED_VALUES, Question, questions_of
from cai.labeling.votes import all_of, combine
from cai.records import Comparison, Label, Vote


class ChoiceLabels:
    """Asks which letter is better, for each principle in both orders.

    Args:
        config: The method's settings.
        craft: Templates.
        seed: Draws which questions are turned round.
        labeler: Who is asked.

    Raises:
        TemplateError: A template asks for what it is not given.
    """

    def __init__(self, config: ChoiceLabelConfig, craft: Stagecraft, seed: int, labeler: str = LABELER) -> None:
        craft.library.expect(NEGATED, NEGATED_VALUES)
        self.config = config
        self.roles: tuple[str, ...] = (labeler,)
        self._craft = craft
        self._seed = seed
        self._labeler = labeler

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """The text of every question, and which way round it is."""
        return [
            [question.principle_id, question.order, question.negated, asdict(self._prompt(question))]
            for question in self._questions(comparison, principles)
        ]

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge a comparison: the mean of `p_a` over principles and orders.

        Raises:
            RequestError: The judge gave neither letter any probability.
        """
        questions = self._questions(comparison, principles)
        votes = await all_of(self._vote(question, judge) for question in questions)
        return combine(comparison.id, votes, method="choice")

    def _questions(self, comparison: Comparison, principles: Sequence[Principle]) -> list[Question]:
        return questions_of(comparison, principles, self.config.negated, self._craft, self._seed)

    def _prompt(self, question: Question) -> EnginePrompt:
        shown = question.shown
        return self._craft.comparison(shown.prompt.messages, shown.response_a, shown.response_b, question.text)

    async def _vote(self, question: Question, judge: Judge) -> Vote:
        scores = await judge.score(question.name, self._prompt(question), LETTERS, self._labeler)
        return question.vote(*first_is_named(*scores.logprobs), self._labeler)


def first_is_named(logprob_first: float, logprob_second: float) -> tuple[float, float]:
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
