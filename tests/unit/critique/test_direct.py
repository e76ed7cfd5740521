"""The direct mode asks nothing and changes nothing."""

import asyncio

from cai.config.critique import DirectConfig
from cai.constitution.schema import Principle
from cai.critique.direct import Direct
from cai.dialogue import Dialogue, Stagecraft
from cai.records import Message, Reply
from cai.resources import resource


def test_nothing_is_asked(kind: Principle) -> None:
    async def ask(role: str, stage: str, round_: int, dialogue: Dialogue, principle: Principle | None = None) -> Reply:
        raise AssertionError((role, stage, round_, dialogue, principle))

    before = Stagecraft(resource("prompts"), "chat").opened((Message("user", "Hi"),)).answered("Go away.")
    critique, dialogue = asyncio.run(Direct(DirectConfig()).critique(before, kind, 1, ask))
    assert critique is None
    assert dialogue is before
