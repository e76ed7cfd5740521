"""One person's judgement of two answers, and the words in which files say it. It knows no file format and no run."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from cai.errors import FeedbackError
from cai.records import Message

UNANSWERED = "nothing was answered"
"""The reason of rows that a person has left empty."""
_A = {"a", "1", "left", "first", "response_a", "response_1", "answer_a", "answer_1", "output_1", "text_a", "model_a"}
_B = {"b", "2", "right", "second", "response_b", "response_2", "answer_b", "answer_2", "output_2", "text_b", "model_b"}
_TIE = {"tie", "draw", "equal", "both", "neither", "same"}
_MEANING = {**dict.fromkeys(_A, 1.0), **dict.fromkeys(_B, 0.0), **dict.fromkeys(_TIE, 0.5)}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person said of two answers, in the order in which the file has them.

    `p_a` is 1 if A was preferred, 0 if B was, 0.5 for a tie. A file may name a comparison by its id alone, and then
    there is no text; or give the texts, and then an id is not needed. `annotator` is None where the file names nobody.
    """

    p_a: float
    comparison_id: str | None = None
    prompt: tuple[Message, ...] | None = None
    response_a: str | None = None
    response_b: str | None = None
    annotator: str | None = None
    note: str | None = None
    rating_a: float | None = None
    rating_b: float | None = None
    hazard: str | None = None


class Entry(NamedTuple):
    """What was found in one row: a judgement, or the reason why there is none (nobody answered, for example)."""

    number: int
    found: Judgement | str


def preferred_in(value: Any, where: str) -> float | None:
    """The probability that A is better that a word stands for; None if nothing was said.

    Raises:
        FeedbackError: The word is not known.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    meaning = None if isinstance(value, bool) else _MEANING.get(_word(value))
    if meaning is None:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:60] + "..."
        raise FeedbackError(f"{shown} is not a preference", where=where, fix="write a, b or tie, or leave it empty")
    return meaning


def is_preference(value: Any) -> bool:
    """Whether a value is one of the words for a preference."""
    return not isinstance(value, bool) and _word(value) in _MEANING


def rating_in(value: Any, name: str, where: str) -> float | None:
    """A rating as a number; None if nothing was said.

    Raises:
        FeedbackError: It is no finite number.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise FeedbackError(f"{name} is not a number: {value!r}", where=where, fix="write a number, or leave it empty")
    return number


def preferred_by_ratings(rating_a: float | None, rating_b: float | None) -> float | None:
    """The preference that two ratings come to: the higher one wins, equal ones tie; None unless both are there."""
    if rating_a is None or rating_b is None:
        return None
    return 0.5 if rating_a == rating_b else float(rating_a > rating_b)


def _word(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.strip().lower().replace("-", "_").replace(" ", "_")
