"""The contract of a critique mode.

A mode asks through `Ask`, which runs the model, keeps the step in the journal, or takes it from there on resume; so a
mode never sees an engine, a seed or a journal.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Protocol

from cai.constitution.brief import Brief
from cai.dialogue import Dialogue
from cai.records import Critique, Reply


class Ask(Protocol):
    """Asks for the present round of the present record.

    `stage` is `critique` for the critique that stands, and `critique/` with a word of the mode's own for anything that
    leads to it, such as `critique/question.1`; it names the step in the journal, so that no two are alike in a round.

    Raises (all calls):
        RequestError: The record cannot go on: the request was refused, or the answer is empty.
    """

    async def write(self, role: str, stage: str, dialogue: Dialogue) -> Reply:
        """Let a role write the next turn of a dialogue."""
        ...

    async def fill(self, role: str, stage: str, dialogue: Dialogue, schema: str, max_new_tokens: int) -> Reply:
        """Let a role write JSON that the engine holds to a JSON Schema; a reply that is cut may not be JSON."""
        ...

    async def choose(self, role: str, stage: str, dialogue: Dialogue, choices: tuple[str, ...]) -> tuple[float, ...]:
        """Natural-log probabilities with which a role's next turn is each of the choices."""
        ...

    async def keep(self, stage: str, reply: Reply) -> None:
        """Keep as a step what the mode itself made of the replies, such as several critiques put together."""
        ...


class Criticised(NamedTuple):
    """A critique, if the mode makes one, and the dialogue with everything that led to it; a revision may be asked of
    it next."""

    critique: Critique | None
    dialogue: Dialogue


class CritiqueMode(Protocol):
    """Criticises the last answer of a dialogue."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]]
    """The templates that it asks with, and the values that it gives to each."""

    async def critique(self, dialogue: Dialogue, brief: Brief, ask: Ask) -> Criticised:
        """Criticise under the principles of a brief.

        Args:
            dialogue: The conversation up to the answer that stands.
            brief: What the round is about.
            ask: Asks for this round.
        """
        ...
