"""Rows of every form become the same comparison, and bad ones say what is wrong."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.comparisons.given import Given, given_of
from cai.data.rows import RawRow
from cai.data.transcripts import join_turns
from cai.errors import PromptSourceError
from cai.records import Message

HI = [{"role": "user", "content": "Hi"}]
SAID = [*HI, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Help me."}]


def of(flat: bool = False, **values: Any) -> Given:
    return given_of(RawRow(3, values), "pairs.jsonl", "pairs.jsonl", flat=flat)


def better(found: Given) -> str | None:
    comparison = found.comparison
    return {"a": comparison.response_a, "b": comparison.response_b, None: None}[found.right]


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "Hi", "response_a": "good", "response_b": "bad", "right": "a"},
        {"messages": HI, "response_a": "bad", "response_b": "good", "right": "B"},
        {"prompt": "Hi", "response_a": "good", "response_b": "bad", "label": 1},
        {"prompt": HI, "chosen": [{"role": "assistant", "content": "good"}], "rejected": "bad"},
        {"prompt": "Hi", "chosen": "good", "rejected": "bad"},
        {
            "chosen": [*HI, {"role": "assistant", "content": "good"}],
            "rejected": [*HI, {"role": "assistant", "content": "bad"}],
        },
        {"chosen": "\n\nHuman: Hi\n\nAssistant: good", "rejected": "\n\nHuman: Hi\n\nAssistant: bad"},
        {"input": "Hi", "output_1": "bad", "output_2": "good", "label": 2},
        {"input": "Hi", "output_1": "bad", "output_2": "good", "label": 2.0},
        {"prompt": "Hi\n (A) bad\n (B) good\nThe answer is:", "corrects": [" (B)"], "incorrects": [" (A)"]},
        {"prompt": "Hi", "corrects": ["good"], "incorrects": ["bad", "worse"]},
    ],
)
def test_every_form_means_the_same(values: dict[str, Any]) -> None:
    found = of(**values)
    assert found.number == 3
    assert found.comparison.prompt.messages == (Message("user", "Hi"),)
    assert {found.comparison.response_a, found.comparison.response_b} == {"good", "bad"}
    assert better(found) == "good"
    assert found.comparison.source == "imported"


def test_named_answers_keep_their_places_and_others_are_drawn() -> None:
    assert of(prompt="Hi", response_a="x", response_b="y", right="b").right == "b"
    drawn = [of(prompt=f"Hi {n}", chosen="good", rejected="bad").right for n in range(200)]
    assert 70 < drawn.count("a") < 130
    # Drawn from what is said, so that which one was called chosen tells nothing.
    one, other = of(prompt="Hi", chosen="x", rejected="y"), of(prompt="Hi", chosen="y", rejected="x")
    assert one.comparison == other.comparison
    assert one.right != other.right


def test_the_whole_conversation_is_the_prompt() -> None:
    turns = [Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Help me.")]
    texts = {
        name: join_turns([*turns, Message("assistant", text)])
        for name, text in (("chosen", "good"), ("rejected", "bad"))
    }
    assert of(**texts).comparison.prompt.messages == tuple(turns)
    assert of(prompt=SAID, chosen="good", rejected="bad").comparison.prompt.messages == tuple(turns)


def test_the_options_of_a_question_are_its_answers() -> None:
    text = (
        "Here is a conversation:\n\nHuman: Choose (A) or (B)?\n\nAssistant: (A) it is.\n\nWhich is it?\n"
        " (A) The first\n of two lines.\n (B) The second.\nThe answer is:"
    )
    found = of(prompt=text, corrects=[" (A)"], incorrects=[" (B)"])
    assert better(found) == "The first\n of two lines."
    assert found.comparison.prompt.messages[0].content.endswith("Which is it?")
    assert {found.comparison.response_a, found.comparison.response_b} >= {"The second."}


@pytest.mark.parametrize("value", [None, "", "tie", "equal"])
def test_what_is_right_may_be_unknown(value: Any) -> None:
    assert of(prompt="Hi", response_a="x", response_b="y", right=value).right is None
    assert of(prompt="Hi", response_a="x", response_b="y").right is None


def test_hazard_and_tags_come_along() -> None:
    found = of(prompt="Hi", response_a="x", response_b="y", hazard="vcr", tags=["red-team"])
    assert (found.comparison.prompt.hazard, found.comparison.prompt.tags) == ("vcr", ("red-team",))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prompt": "Hi"}, "there is no comparison"),
        ({}, "columns are none"),
        ({"prompt": "Hi", "response_a": "x", "response_b": " "}, "empty"),
        ({"prompt": "Hi", "response_a": "x", "response_b": None}, "response_b is no answer"),
        ({"prompt": "Hi", "response_a": "x", "response_b": ["y"]}, "response_b is no answer"),
        ({"prompt": "Hi", "response_a": "x", "response_b": "y", "right": "c"}, "right does not name"),
        ({"response_a": "x", "response_b": "y"}, "there is no prompt"),
        ({"chosen": "Hi", "rejected": "Ho"}, "does not begin"),
        ({"chosen": "\n\nHuman: A\n\nAssistant: x", "rejected": "\n\nHuman: B\n\nAssistant: x"}, "last answer alone"),
        ({"chosen": HI, "rejected": HI}, "last answer alone"),
        ({"chosen": 1, "rejected": 2}, "chosen is no conversation"),
        ({"prompt": "Hi (A) x", "corrects": ["(A)"], "incorrects": ["(B)"]}, "no option"),
        ({"prompt": "Hi", "corrects": [], "incorrects": ["x"]}, "corrects must be a list"),
        ({"prompt": HI, "corrects": ["x"], "incorrects": ["y"]}, "prompt must be a text"),
        ({"input": None, "output_1": "x", "output_2": "y", "label": 1}, "prompt"),
    ],
)
def test_a_row_that_is_none_says_why(values: dict[str, Any], said: str) -> None:
    with pytest.raises(PromptSourceError, match=said) as raised:
        of(**values)
    assert raised.value.where == "pairs.jsonl:3"
    assert raised.value.fix


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
COLUMNS = ("prompt", "messages", "chosen", "rejected", "response_a", "response_b", "right", "label")
OTHERS = ("input", "output_1", "output_2", "corrects", "incorrects", "hazard", "tags")
columns = st.sampled_from((*COLUMNS, *OTHERS))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(columns, plain), st.booleans())
def test_whatever_is_in_a_row_it_is_a_comparison_or_a_clear_error(values: dict[str, Any], flat: bool) -> None:
    try:
        found = of(flat, **values)
    except PromptSourceError as error:
        assert error.where and error.fix
    else:
        assert found.comparison.response_a.strip() and found.comparison.prompt.messages
