"""A brief under which answers are criticised, a conversation, and somebody who answers from a script."""

from collections.abc import Sequence

import pytest

from cai.constitution.brief import Brief
from cai.constitution.schema import Principle
from cai.dialogue import Dialogue, Stagecraft
from cai.engines.base import ChatPrompt, TextPrompt
from cai.records import Message, Reply
from cai.resources import resource


@pytest.fixture
def kind() -> Brief:
    principle = Principle(
        id="kind",
        statement="Be kind.",
        critique_request="Is it kind?",
        revision_request="Make it kind.",
        comparison_question="Which is kinder?",
    )
    return Brief.of([principle])


@pytest.fixture
def answered() -> Dialogue:
    """A conversation up to the answer that is to be criticised."""
    return Stagecraft(resource("prompts"), "chat").opened((Message("user", "Hi"),)).answered("Go away.")


class Script:
    """Gives the replies one after another, and notes what it was asked; see `cai.critique.base.Ask`."""

    def __init__(self, *replies: str, scores: Sequence[tuple[float, ...]] = ()) -> None:
        self._replies = iter(replies)
        self._scores = iter(scores)
        self.asked: list[tuple[str, str]] = []
        self.prompts: list[str] = []
        self.kept: dict[str, Reply] = {}

    async def write(self, role: str, stage: str, dialogue: Dialogue) -> Reply:
        self._note(role, stage, dialogue)
        return Reply(next(self._replies), "stop")

    async def fill(self, role: str, stage: str, dialogue: Dialogue, schema: str, max_new_tokens: int) -> Reply:
        assert schema.startswith("{") and max_new_tokens > 0
        return await self.write(role, stage, dialogue)

    async def choose(self, role: str, stage: str, dialogue: Dialogue, choices: tuple[str, ...]) -> tuple[float, ...]:
        self._note(role, stage, dialogue)
        scores = next(self._scores)
        assert len(scores) == len(choices)
        return scores

    async def keep(self, stage: str, reply: Reply) -> None:
        self.kept[stage] = reply

    def _note(self, role: str, stage: str, dialogue: Dialogue) -> None:
        self.asked.append((role, stage))
        prompt = dialogue.prompt
        assert isinstance(prompt, ChatPrompt | TextPrompt)
        self.prompts.append(prompt.text if isinstance(prompt, TextPrompt) else text_of(dialogue))


def text_of(dialogue: Dialogue) -> str:
    """The turns of a chat, one after another."""
    prompt = dialogue.prompt
    assert isinstance(prompt, ChatPrompt)
    return "\n".join(f"{message.role}: {message.content}" for message in prompt.messages)


@pytest.fixture
def script() -> type[Script]:
    return Script
