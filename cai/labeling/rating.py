"""Labels from ratings: each answer is rated from 1 to 10 by itself, and the two distributions are compared.

Not the number that the labeler would write counts but the probabilities of all ten, as in direct RLAIF (Lee et al.
2023). An answer that is rated by itself has no position, so there is none to like; but two good answers are harder to
tell apart than side by side.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from cai.config.labels import RatingLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import EnginePrompt
from cai.errors import RequestError
from cai.labeling.base import LABELER, Judge
from cai.labeling.questions import is_negated
from cai.labeling.votes import all_of, combine
from cai.records import Comparison, Distribution, Label, Prompt, Vote

RATINGS = tuple(str(number) for number in range(1, 11))
ANSWER = "rating/answer"
KEEPS, BREAKS = "rating/keeps", "rating/breaks"


class Rated(NamedTuple):
    """Probabilities of the ratings from 1 to 10, and the probability that the labeler put on all of them together."""

    distribution: Distribution
    mass: float


class RatingLabels:
    """Asks for a rating of each answer, for each principle.

    A principle that is turned round asks how badly an answer does, and its ratings are turned back.

    Args:
        config: The method's settings.
        craft: Templates.
        seed: Draws which principles are turned round.
        labeler: Who is asked.

    Raises:
        TemplateError: A template is missing, or asks for what it is not given.
    """

    def __init__(self, config: RatingLabelConfig, craft: Stagecraft, seed: int, labeler: str = LABELER) -> None:
        craft.library.expect(ANSWER, ("messages", "response", "question"))
        for question in (KEEPS, BREAKS):
            craft.library.expect(question, ("rule",))
        self.config = config
        self.roles: tuple[str, ...] = (labeler,)
        self._craft = craft
        self._seed = seed
        self._labeler = labeler

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """The text of every question, and which way round it is."""
        prompt = comparison.prompt
        return [
            [principle.id, negated, asdict(self._prompt(prompt, response, principle, negated))]
            for principle, negated in self._turned(comparison, principles)
            for response in (comparison.response_a, comparison.response_b)
        ]

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge a comparison: the mean of `p_a` over principles.

        Raises:
            RequestError: The judge gave no rating any probability.
        """
        turned = self._turned(comparison, principles)
        votes = await all_of(self._vote(comparison, principle, negated, judge) for principle, negated in turned)
        return combine(comparison.id, votes, method="rating")

    async def reward(self, prompt: Prompt, response: str, principles: Sequence[Principle], judge: Judge) -> float:
        """The reward of one answer in [-1, 1] for direct RLAIF: the mean over principles, none of them turned round.

        Raises:
            RequestError: The judge gave no rating any probability.
        """
        rated = await all_of(
            self._rated(f"{principle.id}/reward", self._prompt(prompt, response, principle, False), judge)
            for principle in principles
        )
        return math.fsum(scaled_reward(one.distribution) for one in rated) / len(rated)

    def _turned(self, comparison: Comparison, principles: Sequence[Principle]) -> list[tuple[Principle, bool]]:
        share = self.config.negated
        return [(each, is_negated(share, self._seed, comparison.id, each.id)) for each in principles]

    def _prompt(self, prompt: Prompt, response: str, principle: Principle, negated: bool) -> EnginePrompt:
        question = self._craft.library.render(BREAKS if negated else KEEPS, rule=principle.statement)
        return self._craft.request(ANSWER, messages=prompt.messages, response=response, question=question).prompt

    async def _vote(self, comparison: Comparison, principle: Principle, negated: bool, judge: Judge) -> Vote:
        prompt = comparison.prompt
        asking = {
            f"{principle.id}/{side}": self._prompt(prompt, response, principle, negated)
            for side, response in (("a", comparison.response_a), ("b", comparison.response_b))
        }
        a, b = await all_of(self._rated(name, shown, judge) for name, shown in asking.items())
        ratings = (a.distribution, b.distribution)
        if negated:
            ratings = (ratings[0][::-1], ratings[1][::-1])
        p_a = a_is_better(*ratings)
        mass = (a.mass + b.mass) / 2
        return Vote(principle.id, "ab", p_a, mass, self._labeler, negated, ratings=ratings)

    async def _rated(self, name: str, prompt: EnginePrompt, judge: Judge) -> Rated:
        scores = await judge.score(name, prompt, RATINGS, self._labeler)
        return rating_of(scores.logprobs)


def rating_of(logprobs: Sequence[float]) -> Rated:
    """The distribution over the ratings.

    Args:
        logprobs: Natural-log probabilities of 1, 2, ... over the whole vocabulary.

    Raises:
        RequestError: None has any probability, or one is not a number: there is no rating.
    """
    top = max(logprobs)
    if not math.isfinite(top) or any(math.isnan(logprob) for logprob in logprobs):
        raise RequestError(
            "the labeler gave no rating any probability",
            fix="the labeler may not follow the form of the question: try another, or edit the template",
        )
    weights = [math.exp(logprob - top) for logprob in logprobs]
    whole = math.fsum(weights)
    return Rated(tuple(weight / whole for weight in weights), min(1.0, math.exp(top) * whole))


def expected_rating(distribution: Distribution) -> float:
    """sum(i * P(i)), from 1 up."""
    return math.fsum(rating * p for rating, p in enumerate(distribution, start=1))


def scaled_reward(distribution: Distribution) -> float:
    """The expected rating brought from [1, n] to [-1, 1] (Lee et al. 2023, direct RLAIF)."""
    middle, half = (len(distribution) + 1) / 2, (len(distribution) - 1) / 2
    return (expected_rating(distribution) - middle) / half


def a_is_better(a: Distribution, b: Distribution) -> float:
    """P(A > B) + P(A = B) / 2 where the two ratings are drawn independently."""
    # Worse than B by itself: the probability that B is rated below each rating.
    below = itertools.accumulate(b, initial=0.0)
    won = math.fsum(p * (under + at / 2) for p, under, at in zip(a, below, b, strict=False))
    return min(1.0, max(0.0, won))
