"""What a filter is given and what it says."""

from dataclasses import dataclass
from typing import Protocol

from cai.records import Prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a row, whether it is to be learned (unlike a rejected one), and the flaw that stayed in it."""

    text: str
    learned: bool = True
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prompt, before it is answered, or a row: the prompt with one answer or two."""

    prompt: Prompt
    answers: tuple[Answer, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What is judged: the answers, or the user's last turn where there are none yet."""
        return tuple(answer.text for answer in self.answers) or (self.prompt.messages[-1].content,)


class Filter(Protocol):
    """Tells what to leave out."""

    def reason(self, candidate: Candidate) -> str | None:
        """Why a prompt or a row is left out, in a few words that many have in common; None if it stays."""
        ...
