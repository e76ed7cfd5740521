"""Critic and author talk, as teacher and student: questions and replies, then the critique that closes them.

It is one growing conversation, so that each turn extends the prefix of the one before. The template that opens a turn
says whose turn it is.
"""

from collections.abc import Mapping
from typing import ClassVar

from cai.config.critique import MultiTurnConfig
from cai.constitution.brief import Brief
from cai.critique.base import Ask, Criticised
from cai.dialogue import Dialogue
from cai.records import Critique

_QUESTION = "critique/multi_turn_question"
_REPLY = "critique/multi_turn_reply"
_CLOSE = "critique/multi_turn_close"


class MultiTurn:
    """The critic asks, the generator answers for what it wrote, and the critic closes with verdict and changes."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]] = {
        _QUESTION: ("critique_request", "statement", "exchange"),
        _REPLY: (),
        _CLOSE: ("critique_request", "statement"),
    }

    def __init__(self, config: MultiTurnConfig) -> None:
        self.config = config

    async def critique(self, dialogue: Dialogue, brief: Brief, ask: Ask) -> Criticised:
        """Talk for the exchanges of the configuration, then let the critic close."""
        words = {"critique_request": brief.critique_request, "statement": brief.statement}
        for exchange in range(1, self.config.exchanges + 1):
            dialogue = dialogue.asked(_QUESTION, exchange=exchange, **words)
            question = await ask.write("critic", f"critique/question.{exchange}", dialogue)
            dialogue = dialogue.answered(question.text).asked(_REPLY)
            reply = await ask.write("generator", f"critique/reply.{exchange}", dialogue)
            dialogue = dialogue.answered(reply.text)
        dialogue = dialogue.asked(_CLOSE, **words)
        closing = await ask.write("critic", "critique", dialogue)
        return Criticised(Critique(brief.principle_ids, *closing), dialogue.answered(closing.text))
