"""What each sentence of an answer does: refuse, correct, moralise, point elsewhere, or answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from cai.refusals.patterns import signals_of
from cai.refusals.sentences import Sentence, sentences

Role = Literal[
    "decline",
    "brush_off",
    "objection",
    "correction",
    "elsewhere",
    "suggestion",
    "values",
    "offer",
    "courtesy",
    "answer",
]
"""The signal that weighs most in a sentence, in this order; `answer` if there is none."""

REFUSING: tuple[Role, ...] = ("decline", "brush_off", "objection")
_OPENING = 2
"""An objection counts only before this many sentences have answered: later it is a caution."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer with its role, the kinds of all signals in it, and how many of them are grave words."""

    sentence: Sentence
    role: Role
    signals: frozenset[str]
    grave: int = 0

    @property
    def refuses(self) -> bool:
        return self.role in REFUSING

    @property
    def helps(self) -> bool:
        """Whether it may be part of what was asked for: an answer, code, or any list item that does not refuse."""
        return self.role == "answer" or ((self.sentence.item or self.sentence.code) and not self.refuses)

    @property
    def length(self) -> int:
        """Words in it."""
        return len(self.sentence.words)


def statements(response: str) -> list[Statement]:
    """The sentences of an answer, in order, each with its role."""
    found: list[Statement] = []
    answered = 0
    for sentence in sentences(response):
        statement = _statement(sentence, opening=answered < _OPENING)
        answered += statement.helps
        found.append(statement)
    return found


def _statement(sentence: Sentence, *, opening: bool) -> Statement:
    hits = signals_of(sentence.words)
    signals = frozenset(hit.kind for hit in hits) - (frozenset() if opening else {"objection", "condemnation"})
    return Statement(sentence, _role(signals), signals, sum(hit.kind == "grave" for hit in hits))


def _role(signals: Iterable[str]) -> Role:
    return next((role for role in get_args(Role) if role in signals), "answer")
