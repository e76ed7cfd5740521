"""Turns of an hh-rlhf text: none lost, none corrupted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.data.transcripts import join_turns, split_turns
from cai.records import Message


def test_markers_count_only_at_the_start_and_after_an_empty_line() -> None:
    text = "\n\nHuman: Note: Human: x\nAssistant: y: \n\nAssistant:  I see\n\n\nHuman: b"
    assert split_turns(text) == (
        Message("user", "Note: Human: x\nAssistant: y: "),
        Message("assistant", " I see\n"),
        Message("user", "b"),
    )
    assert join_turns(split_turns(text)) == text


def test_turns_of_one_speaker_in_a_row_and_empty_turns_stay() -> None:
    assert split_turns("\n\nHuman: a\n\nAssistant: b\n\nAssistant: c\n\nAssistant: ") == (
        Message("user", "a"),
        Message("assistant", "b"),
        Message("assistant", "c"),
        Message("assistant", ""),
    )


@pytest.mark.parametrize("text", ["Human: a\n\nAssistant:", "Human:a\n\nAssistant: ", "\n\nHuman: a\n\nAssistant:"])
def test_the_first_empty_line_and_the_space_may_be_missing(text: str) -> None:
    assert split_turns(text) == (Message("user", "a"), Message("assistant", ""))


@pytest.mark.parametrize("text", ["", "hello", "Note: Human: x", "hello\n\nHuman: x"])
def test_text_before_the_first_marker_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not begin with"):
        split_turns(text)


CONTENT = st.text(st.sampled_from("ab :\nHuman"), max_size=12) | st.sampled_from(["Human: x", "a: Assistant: b", "\n"])


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), CONTENT), min_size=1, max_size=5))
def test_joining_what_was_split_gives_the_text_back(turns: list[tuple[str, str]]) -> None:
    text = join_turns(Message(role, content) for role, content in turns)  # type: ignore[arg-type]
    assert join_turns(split_turns(text)) in (text, "\n\n" + text.lstrip("\n"))
