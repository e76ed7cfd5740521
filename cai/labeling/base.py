"""The contract of a label method.

A method scores through `Score`, which runs the labeler; so it never sees an engine or a journal.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from cai.constitution.schema import Principle
from cai.engines.base import ChoiceScores, EnginePrompt
from cai.records import Comparison, Label


class Score(Protocol):
    """Log-probabilities of given continuations from the labeler; `name` tells the requests of a label apart.

    Raises:
        RequestError: The request was refused; the record fails.
    """

    async def __call__(self, name: str, prompt: EnginePrompt, choices: tuple[str, ...]) -> ChoiceScores: ...


class LabelMethod(Protocol):
    """Judges a comparison under principles."""

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """Everything that determines the requests of a label, JSON-able: if it changes, the label is owed again."""
        ...

    async def label(self, comparison: Comparison, principles: Sequence[Principle], score: Score) -> Label:
        """Judge.

        Raises:
            RequestError: The labeler gave no usable verdict; never turned into a tie.
        """
        ...
