"""One critique in one turn (Bai et al. 2022, section 3.1): the critic reads the answer and writes what is wrong."""

from collections.abc import Mapping
from typing import ClassVar

from cai.config.critique import SingleTurnConfig
from cai.constitution.schema import Principle
from cai.critique.base import Ask, Criticised
from cai.dialogue import Dialogue
from cai.records import Critique

_REQUEST = "critique/single_turn"


class SingleTurn:
    """The critic's request is the principle's own; the whole critique is one answer."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]] = {_REQUEST: ("critique_request", "statement")}

    def __init__(self, config: SingleTurnConfig) -> None:
        self.config = config

    async def critique(self, dialogue: Dialogue, principle: Principle, round_: int, ask: Ask) -> Criticised:
        """Criticise; `round_` counts from 1."""
        asked = dialogue.asked(_REQUEST, critique_request=principle.critique_request, statement=principle.statement)
        reply = await ask("critic", "critique", round_, asked, principle)
        return Criticised(Critique(principle.id, reply.text, reply.finish_reason), asked.answered(reply.text))
