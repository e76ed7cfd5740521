"""A judge that says what a test tells it, and things to judge."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import ChatPrompt, ChoiceScores, EnginePrompt
from cai.labeling.base import LABELER
from cai.records import Comparison, Message, Prompt, Reply
from cai.resources import resource

Says = Callable[[str, str, str], tuple[float, ...]]


def text_of(prompt: EnginePrompt) -> str:
    """Everything that the judge sees."""
    if isinstance(prompt, ChatPrompt):
        return "\n".join(message.content for message in prompt.messages)
    return prompt.text


@dataclass
class ToldJudge:
    """`says` is given the request's name, what the judge sees and its role, and gives probabilities of the choices."""

    says: Says
    writes: Callable[[str, str, str], str] = lambda name, seen, role: f"Reasons of {role} for {name}."
    scored: list[tuple[str, str, tuple[str, ...], str]] = field(default_factory=list)
    written: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)

    async def score(
        self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
    ) -> ChoiceScores:
        await asyncio.sleep(0)
        self.scored.append((name, text_of(prompt), choices, role))
        said = self.says(name, text_of(prompt), role)
        return ChoiceScores(tuple(math.log(p) if p else -math.inf for p in said))

    async def write(self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()) -> Reply:
        await asyncio.sleep(0)
        self.written.append((name, text_of(prompt), role, stops))
        return Reply(self.writes(name, text_of(prompt), role), "stop")


@pytest.fixture
def pair() -> Comparison:
    """A kind answer is A, a rude one is B."""
    return Comparison(Prompt.of((Message("user", "Hi"),), "x"), "a kind answer", "a rude answer", "sampled")


@pytest.fixture
def told() -> type[ToldJudge]:
    return ToldJudge


@pytest.fixture
def principle() -> Callable[[str], Principle]:
    def make(name: str) -> Principle:
        texts = dict.fromkeys(("critique_request", "revision_request"), "Text.")
        question = f"Which is more {name}?"
        return Principle.model_validate(
            {"id": name, "statement": f"Be {name}.", **texts, "comparison_question": question}
        )

    return make


@pytest.fixture(params=["chat", "transcript"])
def craft(request: pytest.FixtureRequest) -> Stagecraft:
    """The shipped templates, in either form."""
    return Stagecraft(resource("prompts"), request.param)


@pytest.fixture
def transcript() -> Stagecraft:
    """The shipped templates in the transcript form."""
    return Stagecraft(resource("prompts"), "transcript")


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return asyncio.run
