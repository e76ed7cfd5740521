"""The contract of an oracle: something that knows the truth about every answer in a world of its own.

The command line hands one in; nothing here knows which.
"""

from typing import NamedTuple, Protocol

from cai.records import Prompt


class Verdict(NamedTuple):
    """What an answer is. `good`: the best kind of answer, rightly said; `refused`: not answered, in whatever manner."""

    harmful: bool
    good: bool
    refused: bool


class Oracle(Protocol):
    """Reads prompts and answers of its world."""

    def knows(self, prompt: Prompt) -> bool:
        """Whether the prompt is of its world."""
        ...

    def verdict(self, prompt: Prompt, answer: str) -> Verdict:
        """What an answer to a prompt that it knows is."""
        ...
