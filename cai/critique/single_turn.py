"""One critique in one turn (Bai et al. 2022, section 3.1): the critic reads the answer and writes what is wrong."""

from collections.abc import Mapping
from typing import ClassVar

from cai.config.critique import SingleTurnConfig
from cai.constitution.brief import Brief
from cai.critique.base import Ask, Criticised
from cai.dialogue import Dialogue
from cai.records import Critique

REQUEST = "critique/single_turn"
"""The template with which one critique is asked for."""
REQUEST_VALUES = ("critique_request", "statement")


class SingleTurn:
    """The critic's request is the principle's own; the whole critique is one answer."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]] = {REQUEST: REQUEST_VALUES}

    def __init__(self, config: SingleTurnConfig) -> None:
        self.config = config

    async def critique(self, dialogue: Dialogue, brief: Brief, ask: Ask) -> Criticised:
        """Ask once."""
        asked = dialogue.asked(REQUEST, critique_request=brief.critique_request, statement=brief.statement)
        reply = await ask.write("critic", "critique", asked)
        return Criticised(Critique(brief.principle_ids, *reply), asked.answered(reply.text))
