"""Log-probabilities of given continuations, from questions about one next token at a time.

Knows no engine: the engine answers `ask`, a question for the log-probabilities of some tokens after some others.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from cai.engines.base import ChoiceScores
from cai.records import Usage


class NextTokens(NamedTuple):
    """Natural-log probabilities of the tokens that were asked about, over the full vocabulary."""

    logprobs: dict[int, float]
    usage: Usage


Ask = Callable[[tuple[int, ...], tuple[int, ...]], Awaitable[NextTokens]]
"""`ask(before, candidates)`: how likely is each candidate after the prompt and the tokens `before`?"""


async def score_choices(choices: Sequence[tuple[int, ...]], ask: Ask) -> ChoiceScores:
    """Sum of the log-probabilities of each choice's tokens, each given the ones before it.

    A choice that begins another one, as `1` begins `10` where digits are tokens of their own, is given the probability
    that the other does not follow.

    Choices of one token, as `A` and `B` mostly are, take one question together. Longer ones take a question more for
    each beginning that they have: it extends a prompt whose prefix the engine has just computed and cached, so this is
    cheaper than log-probabilities of the whole prompt, which no engine takes from its cache.

    Args:
        choices: Token ids of each choice, at least one token each.
        ask: The engine's answer to one question.
    """
    wanted: dict[tuple[int, ...], list[int]] = {}
    for ids in choices:
        for end in range(len(ids)):
            following = wanted.setdefault(ids[:end], [])
            if ids[end] not in following:
                following.append(ids[end])
    # The bare prompt first: the other questions find it in the cache.
    answers: dict[tuple[int, ...], NextTokens] = {(): await ask((), tuple(wanted.pop(())))}
    answered = await asyncio.gather(*(ask(before, tuple(following)) for before, following in wanted.items()))
    answers |= dict(zip(wanted, answered, strict=True))
    whole = {ids: math.fsum(answers[ids[:end]].logprobs[ids[end]] for end in range(len(ids))) for ids in choices}
    alone = _alone(whole)
    return ChoiceScores(
        tuple(alone[ids] for ids in choices), sum((answer.usage for answer in answers.values()), Usage())
    )


def _alone(scores: Mapping[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    """The log-probability of each choice without that of the choices which go on from it."""
    alone: dict[tuple[int, ...], float] = {}
    for ids in sorted(scores, key=len, reverse=True):
        longer = [math.exp(score) for other, score in alone.items() if other[: len(ids)] == ids]
        rest = math.exp(scores[ids]) - math.fsum(longer)
        alone[ids] = scores[ids] if not longer else math.log(rest) if rest > 0 else -math.inf
    return alone
