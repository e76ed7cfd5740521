"""Rows become examples, or an error that says where and what to do."""

from typing import Any

import pytest

from cai.errors import DatasetError
from cai.records import Message
from cai.training.rows import Answer, Kind, Pair, examples_of

USER = [{"role": "user", "content": "Hi"}]
YES = [{"role": "assistant", "content": "Yes"}]
NO = [{"role": "assistant", "content": "No"}]
HI = (Message("user", "Hi"),)


def test_messages_and_texts_are_the_same() -> None:
    rows = [{"prompt": USER, "completion": YES}, {"prompt": "Hi", "completion": "Yes", "round": 3}]
    assert [examples_of("sft", row, "f:1") for row in rows] == [(Answer(HI, "Yes"),)] * 2


@pytest.mark.parametrize("kind", ["reward", "dpo"])
def test_a_pair_keeps_its_probability_and_hazard(kind: Kind) -> None:
    row = {"prompt": USER, "chosen": YES, "rejected": NO, "p_chosen": 0.75, "hazard": "vcr"}
    assert examples_of(kind, row, "f:1") == (Pair(HI, "Yes", "No", 0.75, "vcr"),)


def test_a_pair_without_a_probability_is_certain() -> None:
    row = {"prompt": USER, "chosen": YES, "rejected": NO, "p_chosen": None, "hazard": None}
    assert examples_of("dpo", row, "f:1") == (Pair(HI, "Yes", "No", 1.0, None),)


def test_kto_takes_marked_rows_and_both_sides_of_pairs() -> None:
    assert examples_of("kto", {"prompt": USER, "completion": NO, "label": False}, "f:1") == (Answer(HI, "No", False),)
    both = examples_of("kto", {"prompt": USER, "chosen": YES, "rejected": NO}, "f:1")
    assert both == (Answer(HI, "Yes", True), Answer(HI, "No", False))


@pytest.mark.parametrize(
    ("kind", "row", "words"),
    [
        ("sft", {"prompt": USER, "text": "x"}, ["no `completion`", "prompt, text", "`prompt` and `completion`"]),
        ("dpo", {"prompt": USER, "chosen": YES}, ["no `rejected`", "p_chosen"]),
        ("sft", {"prompt": [], "completion": YES}, ["prompt must be a text or a list"]),
        ("sft", {"prompt": [{"role": "human", "content": "x"}], "completion": YES}, ["prompt[0]", "user, assistant"]),
        ("sft", {"prompt": [{"role": "user", "content": 1}], "completion": YES}, ["prompt[0]"]),
        ("sft", {"prompt": ["x"], "completion": YES}, ["prompt[0]"]),
        ("sft", {"prompt": USER + YES, "completion": YES}, ["ends with an assistant turn"]),
        ("sft", {"prompt": USER, "completion": YES + YES}, ["one assistant message"]),
        ("sft", {"prompt": USER, "completion": USER}, ["one assistant message"]),
        ("dpo", {"prompt": USER, "chosen": YES, "rejected": NO, "p_chosen": 0.2}, ["0.5 to 1", "exchange"]),
        ("dpo", {"prompt": USER, "chosen": YES, "rejected": NO, "p_chosen": "x"}, ["0.5 to 1"]),
        ("dpo", {"prompt": USER, "chosen": YES, "rejected": NO, "p_chosen": float("nan")}, ["0.5 to 1"]),
        ("kto", {"prompt": USER, "completion": NO, "label": 1}, ["true or false"]),
        ("kto", {"prompt": USER, "completion": NO}, ["no `chosen`", "`label`"]),
    ],
)
def test_what_is_wrong_is_said(kind: Kind, row: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DatasetError) as caught:
        examples_of(kind, row, "data.jsonl:7")
    assert str(caught.value).startswith("data.jsonl:7: ")
    for word in words:
        assert word in str(caught.value)
