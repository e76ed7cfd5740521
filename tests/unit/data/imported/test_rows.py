"""A row is read as it is meant, or said to be wrong with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.data.imported.rows import ImportedRound, check_trajectories, read_trajectories, row_of
from cai.data.rows import RawRow
from cai.errors import TrajectoryError
from cai.records import Message

Write = Callable[..., Path]
FILE = Path("others.jsonl")


def read(row: dict[str, Any]) -> Any:
    return row_of(RawRow(7, row), FILE)


def test_a_row_is_read_whole(bread: dict[str, Any]) -> None:
    row = read(bread | {"more": "is ignored"})
    assert row.prompt.messages == (Message("user", "How do I bake bread?"),)
    assert (row.prompt.source, row.prompt.hazard, row.prompt.tags) == ("others.jsonl:7", "hte", ("kitchen",))
    assert (row.draft, row.model) == ("Ask a baker, you fool.", "big-52b")
    assert row.rounds[1] == ImportedRound(("be-open",), bread["rounds"][1]["critique"], bread["rounds"][1]["revision"])


SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Yes?"}


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ("Hi", [USER]),
        ("\n\nHuman: Hi\n\nAssistant:", [USER]),
        ("\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Hi", [USER, ASSISTANT, USER]),
        ([SYSTEM, USER], [SYSTEM, USER]),
    ],
)
def test_a_prompt_has_any_of_three_forms(prompt: Any, messages: list[Any], bread: dict[str, Any]) -> None:
    assert [turn.to_dict() for turn in read(bread | {"prompt": prompt}).prompt.messages] == messages


def test_a_transcript_and_a_list_of_the_same_turns_are_one_prompt(bread: dict[str, Any]) -> None:
    as_text = read(bread | {"prompt": "\n\nHuman: How do I bake bread?\n\nAssistant:"})
    assert as_text.prompt.id == read(bread).prompt.id


def test_what_may_be_left_out(bread: dict[str, Any]) -> None:
    for key in ("hazard", "tags", "model"):
        del bread[key]
    bread["rounds"][0]["critique"] = None
    del bread["rounds"][1]["revision"]
    bread["rounds"][1]["principle"] = ["be-open", "be-kind", "be-open"]
    row = read(bread)
    assert (row.prompt.hazard, row.prompt.tags, row.model) == (None, (), "unknown")
    assert row.rounds[0].critique is None and row.rounds[1].revision is None
    assert row.rounds[1].principles == ("be-open", "be-kind")
    assert read(bread | {"rounds": []}).rounds == ()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": None}, "the prompt is empty"),
        ({"prompt": [{"role": "robot", "content": "x"}]}, "role 'robot'"),
        ({"prompt": "\n\nHuman: a\n\nAssistant: b"}, "ends with an assistant turn"),
        ({"prompt": 3}, "must be a list of messages"),
        ({"draft": None}, "draft is missing"),
        ({"draft": "  "}, "draft is empty"),
        ({"draft": ["x"]}, "draft must be a text"),
        ({"draft": "half \ud83d"}, "half of a character"),
        ({"rounds": None}, "rounds must be a list"),
        ({"rounds": ["x"]}, "rounds[0] must be an object"),
        ({"rounds": [{"principle": "x"}]}, "neither critique nor revision"),
        ({"rounds": [{"critique": "x"}]}, "names no principle"),
        ({"rounds": [{"principle": [], "critique": "x"}]}, "names no principle"),
        ({"rounds": [{"principle": [1], "critique": "x"}]}, "rounds[0].principle must be a text"),
        ({"rounds": [{"principle": "x", "critique": ""}]}, "rounds[0].critique is empty"),
        ({"rounds": [{"principle": "x", "revision": {}}]}, "rounds[0].revision must be a text"),
        ({"rounds": [{"principle": "x", "critique": "y"}] * 65}, "65 rounds"),
        ({"model": 5}, "model must be a text"),
        ({"tags": "one"}, "tags must be a list"),
    ],
)
def test_a_row_that_is_wrong_is_named(changed: dict[str, Any], what: str, bread: dict[str, Any]) -> None:
    with pytest.raises(TrajectoryError) as raised:
        read({key: value for key, value in (bread | changed).items() if value is not None})
    if changed == {"prompt": None}:
        what = "no prompt in this row"
    assert what in raised.value.what
    assert raised.value.where == "others.jsonl:7" and raised.value.fix


def test_all_rows_that_are_wrong_are_told_of_at_once(write: Write, bread: dict[str, Any]) -> None:
    path = write(bread, "{", name="broken.jsonl")
    with pytest.raises(TrajectoryError, match="not readable as JSON"):
        list(check_trajectories(path))
    path = write(bread, bread | {"draft": ""}, bread, bread | {"rounds": 1})
    good = []
    with pytest.raises(TrajectoryError) as raised:
        good += list(check_trajectories(path))
    assert f"{path}:2: draft is empty" in str(raised.value)
    assert f"{path}:4: rounds must be a list" in str(raised.value)


def test_hundreds_of_wrong_rows_are_counted_and_not_listed(write: Write, bread: dict[str, Any]) -> None:
    with pytest.raises(TrajectoryError) as raised:
        list(check_trajectories(write(*[bread | {"draft": ""}] * 300)))
    assert raised.value.what.count("draft is empty") == 25 and raised.value.what.endswith("and 275 more")


@pytest.mark.parametrize(
    ("name", "what"), [("absent.jsonl", "no such file"), ("x.csv", "JSON lines only"), ("folder.jsonl", "a folder")]
)
def test_a_file_that_cannot_be_read(name: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(TrajectoryError, match=what):
        list(read_trajectories(tmp_path / name))


def test_a_file_without_rows_is_wrong(write: Write) -> None:
    with pytest.raises(TrajectoryError, match="no trajectory"):
        list(check_trajectories(write("", "")))
