"""The contract of a critique mode.

A mode asks through `Ask`, which runs the model, keeps the step in the journal, or takes it from there on resume; so a
mode never sees an engine, a seed or a journal.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Protocol

from cai.constitution.schema import Principle
from cai.dialogue import Dialogue
from cai.records import Critique, Reply


class Ask(Protocol):
    """Lets a role write the next turn of a dialogue, as the step (`stage`, `round_`) of the present record.

    Raises:
        RequestError: The record cannot go on: the request was refused, or the answer is empty.
    """

    async def __call__(
        self, role: str, stage: str, round_: int, dialogue: Dialogue, principle: Principle | None = None
    ) -> Reply: ...


class Criticised(NamedTuple):
    """A critique, if the mode makes one, and the dialogue with everything that led to it; a revision may be asked of
    it next."""

    critique: Critique | None
    dialogue: Dialogue


class CritiqueMode(Protocol):
    """Criticises the last answer of a dialogue under a principle."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]]
    """The templates that it asks with, and the values that it gives to each."""

    async def critique(self, dialogue: Dialogue, principle: Principle, round_: int, ask: Ask) -> Criticised:
        """Criticise; `round_` counts from 1."""
        ...
