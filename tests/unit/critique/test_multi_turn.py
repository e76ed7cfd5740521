"""Critic and author take turns in one growing conversation, and the critic closes it."""

import asyncio
from typing import Any

from cai.config.critique import MultiTurnConfig
from cai.constitution.brief import Brief
from cai.critique.multi_turn import MultiTurn
from cai.dialogue import Dialogue


def test_they_take_turns_and_the_critic_closes(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script("Why so rude?", "I was tired.", "Was it needed?", "No.", "It breaks it. Greet back.")
    critique, _ = asyncio.run(MultiTurn(MultiTurnConfig(exchanges=2)).critique(answered, kind, ask))
    assert ask.asked == [
        ("critic", "critique/question.1"),
        ("generator", "critique/reply.1"),
        ("critic", "critique/question.2"),
        ("generator", "critique/reply.2"),
        ("critic", "critique"),
    ]
    assert critique is not None and critique.text == "It breaks it. Greet back."
    # Each prompt extends the one before, so that the engine's cache holds all but the new part.
    for before, after in zip(ask.prompts, ask.prompts[1:], strict=False):
        assert after.startswith(before)
    assert "I was tired." in ask.prompts[-1] and "Is it kind?" in ask.prompts[-1]
    assert ask.prompts[0].count("follow up") + ask.prompts[0].count("Follow up") == 0
    assert "Follow up" in ask.prompts[2]
