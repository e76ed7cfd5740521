"""The direct mode asks nothing and changes nothing."""

import asyncio
from typing import Any

from cai.config.critique import DirectConfig
from cai.constitution.brief import Brief
from cai.critique.direct import Direct
from cai.dialogue import Dialogue


def test_nothing_is_asked(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script()
    critique, dialogue = asyncio.run(Direct(DirectConfig()).critique(answered, kind, ask))
    assert critique is None
    assert dialogue is answered
    assert ask.asked == []
