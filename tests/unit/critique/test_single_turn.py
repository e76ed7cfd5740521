"""The critique mode asks with the principle's own words, once."""

import asyncio

from cai.config.critique import SingleTurnConfig
from cai.constitution.schema import Principle
from cai.critique.single_turn import SingleTurn
from cai.dialogue import Dialogue, Stagecraft
from cai.engines.base import ChatPrompt
from cai.records import Critique, Message, Reply
from cai.resources import resource


def test_one_critique_in_one_turn(kind: Principle) -> None:
    asked: list[tuple[str, str, int, Dialogue, Principle | None]] = []

    async def ask(role: str, stage: str, round_: int, dialogue: Dialogue, principle: Principle | None = None) -> Reply:
        asked.append((role, stage, round_, dialogue, principle))
        return Reply("Not very.", "length")

    craft = Stagecraft(resource("prompts"), "chat")
    before = craft.opened((Message("user", "Hi"),)).answered("Go away.")
    critique, dialogue = asyncio.run(SingleTurn(SingleTurnConfig()).critique(before, kind, 3, ask))
    assert critique == Critique("kind", "Not very.", "length")
    ((role, stage, round_, given, principle),) = asked
    assert (role, stage, round_, principle) == ("critic", "critique", 3, kind)
    assert isinstance(given.prompt, ChatPrompt)
    assert isinstance(dialogue.prompt, ChatPrompt)
    assert [message.role for message in given.prompt.messages] == ["user", "assistant", "user"]
    assert "Is it kind?\nPrinciple: Be kind." in given.prompt.messages[-1].content
    assert dialogue.prompt.messages == (*given.prompt.messages, Message("assistant", "Not very."))
