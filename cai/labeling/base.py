"""The contract of a label method.

A method asks through a `Judge`, which runs the labelers; so it never sees an engine or a journal.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from cai.constitution.schema import Principle
from cai.engines.base import ChoiceScores, EnginePrompt
from cai.records import Comparison, Label, Reply

LABELER = "labeler"
"""The role that judges, unless a method names others."""


class Judge(Protocol):
    """The labelers of one comparison; `name` tells the requests of a label apart.

    Raises (both calls):
        RequestError: The request was refused, or nothing was written; the record fails.
    """

    async def score(
        self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
    ) -> ChoiceScores:
        """Log-probabilities of given continuations."""
        ...

    async def write(self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()) -> Reply:
        """What the labeler writes, up to the first of `stops` or of its own sampling's."""
        ...


class LabelMethod(Protocol):
    """Judges a comparison under principles."""

    roles: tuple[str, ...]
    """The labelers that it asks; each is a role of the crew."""

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """Everything that determines the requests of a label, JSON-able: if it changes, the label is owed again.

        The labelers' models, adapters and sampling are not in it: whoever runs them adds those of all `roles`.
        """
        ...

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge.

        Raises:
            RequestError: A labeler gave no usable verdict; never turned into a tie.
        """
        ...
