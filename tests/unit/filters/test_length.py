from collections.abc import Callable

import pytest
from pydantic import ValidationError

from cai.config.filters import LengthConfig
from cai.filters.base import Candidate
from cai.filters.length import LengthFilter


def test_words_are_counted_within_bounds(asked: Callable[..., Candidate]) -> None:
    short = LengthFilter(LengthConfig(min=2, max=3))
    assert short.reason(asked("x", "one")) == "too short"
    assert short.reason(asked("x", "one two")) is None
    assert short.reason(asked("x", "one two three", "one two three four")) == "too long"


def test_characters_are_counted_where_there_are_no_spaces(asked: Callable[..., Candidate]) -> None:
    assert (
        LengthFilter(LengthConfig(unit="characters", max=3)).reason(asked("x", "\u4f60\u597d\u4e16\u754c"))
        == "too long"
    )


def test_without_an_answer_the_prompt_is_judged(asked: Callable[..., Candidate]) -> None:
    assert LengthFilter(LengthConfig(min=2)).reason(asked("Why?")) == "too short"


def test_bounds_that_leave_nothing_are_an_error() -> None:
    with pytest.raises(ValidationError, match="so nothing is left"):
        LengthConfig(min=5, max=4)
