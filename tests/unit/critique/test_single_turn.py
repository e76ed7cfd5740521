"""The critique mode asks with the principle's own words, once."""

import asyncio
from typing import Any

from cai.config.critique import SingleTurnConfig
from cai.constitution.brief import Brief
from cai.critique.single_turn import SingleTurn
from cai.dialogue import Dialogue
from cai.engines.base import ChatPrompt
from cai.records import Critique, Message


def test_one_critique_in_one_turn(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script("Not very.")
    critique, dialogue = asyncio.run(SingleTurn(SingleTurnConfig()).critique(answered, kind, ask))
    assert critique == Critique(("kind",), "Not very.", "stop")
    assert ask.asked == [("critic", "critique")]
    assert "Is it kind?\nPrinciple: Be kind." in ask.prompts[0]
    assert isinstance(answered.prompt, ChatPrompt) and isinstance(dialogue.prompt, ChatPrompt)
    assert dialogue.prompt.messages[:2] == answered.prompt.messages
    assert dialogue.prompt.messages[-1] == Message("assistant", "Not very.")
