"""Which column of a row means what: our own names, those that are in common use, and what the user says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cai.data.rows import RawRow, prompt_of
from cai.errors import FeedbackError, PromptSourceError
from cai.records import Message

ALIASES: dict[str, tuple[str, ...]] = {
    "comparison_id": (),
    "prompt": ("messages", "instruction", "question", "input"),
    "response_a": ("answer_a", "output_1", "response_1", "response-1", "response1", "answer_1", "answer1", "text1"),
    "response_b": ("answer_b", "output_2", "response_2", "response-2", "response2", "answer_2", "answer2", "text2"),
    "preferred": ("preference", "label", "choice", "winner", "choose-best"),
    "rating_a": ("rating_1", "rating-1", "rating1", "score_a"),
    "rating_b": ("rating_2", "rating-2", "rating2", "score_b"),
    "annotator": ("annotator_id", "user_id", "worker_id"),
    "note": ("comment", "rationale"),
    "hazard": (),
}
"""Our own columns, and the other names by which each is known."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Finds values in rows. `named` says which column the user wants for one of ours."""

    named: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Columns":
        """From texts such as `response_a=text1`.

        Raises:
            FeedbackError: A text has no equals sign, or the name before it is not one of ours.
        """
        named = {}
        for text in texts:
            ours, equals, theirs = text.partition("=")
            if not equals or not theirs or ours not in ALIASES:
                fix = f"write OURS=THEIRS with one of {', '.join(ALIASES)}"
                raise FeedbackError(f"{text!r} does not name a column", where="--column", fix=fix)
            named[ours] = theirs
        return cls(named)

    def names(self, ours: str) -> tuple[str, ...]:
        """The columns that can hold one of ours, the best first."""
        return (self.named[ours],) if ours in self.named else (ours, *ALIASES[ours])

    def ours(self, theirs: str) -> str | None:
        """Which of ours a column means; None if it means nothing here."""
        return next((ours for ours in ALIASES if theirs in self.names(ours)), None)

    def take(self, values: Mapping[str, Any], ours: str) -> Any:
        """The value of one of ours; None if it is absent or empty."""
        for name in self.names(ours):
            value = values.get(name)
            if value is not None and value != "":
                return value
        return None

    def text(self, values: Mapping[str, Any], ours: str, where: str) -> str | None:
        """The same, as a text that has a UTF-8 form.

        Raises:
            FeedbackError: It is something else.
        """
        value = self.take(values, ours)
        if value is None:
            return None
        if not isinstance(value, str):
            raise FeedbackError(f"{ours} must be a text, not {type(value).__name__}", where=where, fix="write a text")
        return checked(value, ours, where)

    def name(self, values: Mapping[str, Any], ours: str, where: str) -> str | None:
        """The same, for ids and people, whom some files number."""
        value = self.take(values, ours)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(values, ours, where)

    def prompt(self, values: Mapping[str, Any], where: str) -> tuple[Message, ...] | None:
        """The conversation: of a text, or of a list of messages; None if there is none.

        Raises:
            FeedbackError: It is neither, or does not end with the user's turn.
        """
        value = self.take(values, "prompt")
        return None if value is None else conversation(value, where)


def conversation(value: Any, where: str) -> tuple[Message, ...]:
    """A prompt of a text or a list of messages.

    Raises:
        FeedbackError: It is neither, or does not end with the user's turn.
    """
    path, _, number = where.rpartition(":")
    try:
        return prompt_of(RawRow(int(number) if number.isdecimal() else 0, {"prompt": value}), path, path).messages
    except PromptSourceError as error:
        raise FeedbackError(error.what, where=where, fix=error.fix) from None


def checked(text: str, name: str, where: str) -> str:
    """The text, if it can be written as UTF-8.

    Raises:
        FeedbackError: It holds half of a surrogate pair.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        what = f"{name} holds half of a character ({text[error.start]!r}, a lone surrogate)"
        raise FeedbackError(what, where=where, fix="remove it: it has no UTF-8 form") from None
    return text
