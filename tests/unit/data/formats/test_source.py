"""Where rows are found, and what is said where there are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai.data.formats.source import find_rows
from cai.errors import DatasetError


def names(path: Path) -> dict[str, dict[str, list[str]]]:
    found = find_rows(path).files
    return {name: {split: [f.name for f in files] for split, files in splits.items()} for name, splits in found.items()}


def test_a_run_its_datasets_and_one_of_them(run: Path) -> None:
    shards = {"train": ["train-00000-of-00001.parquet"], "eval": ["eval-00000-of-00001.parquet"]}
    assert names(run) == names(run / "datasets") == {"sft": shards, "preferences": shards}
    assert names(run / "datasets" / "preferences") == {"preferences": shards}
    file = run / "datasets" / "sft" / "eval-00000-of-00001.parquet"
    assert names(file) == {"sft": {"eval": [file.name]}}


def test_json_lines_are_told_apart_by_their_columns(tmp_path: Path, rows: Any) -> None:
    prompt = rows.prompts["multi-turn"]
    lines = {
        "a": rows.sft(prompt),
        "b": rows.preference(prompt),
        "eval": rows.sft(prompt),
        "evaluated": rows.sft(prompt),
    }
    for name, row in lines.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "notes.txt").write_text("notes")
    assert names(tmp_path) == {
        "sft": {"train": ["a.jsonl", "evaluated.jsonl"], "eval": ["eval.jsonl"]},
        "preferences": {"train": ["b.jsonl"]},
    }
    assert [row for _, row in find_rows(tmp_path).read("preferences")] == [lines["b"]]


def test_columns_that_are_absent_become_null_and_text_a_message(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "q", "chosen": "a", "rejected": "b", "mine": 1}\n')
    ((split, row),) = find_rows(file).read("preferences")
    assert split == "train" and "mine" not in row
    assert row["prompt"] == [{"role": "user", "content": "q"}]
    assert row["chosen"] == [{"role": "assistant", "content": "a"}]
    assert (row["p_chosen"], row["hazard"], row["tags"]) == (1.0, None, None)
    assert len(row["prompt_id"]) == 16


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"prompt": [], "completion": "a"}, "`prompt` must be a text or a list of messages"),
        ({"prompt": [{"role": "human", "content": "q"}], "completion": "a"}, "not a message with a role"),
        ({"prompt": [{"role": "assistant", "content": "q"}], "completion": "a"}, "does not end with a user turn"),
        ({"prompt": "q", "completion": [{"role": "user", "content": "a"}]}, "must be one assistant message"),
        ({"prompt": "q", "completion": "half \ud83d"}, "half of a character"),
        ({"prompt": "q", "completion": "a", "hazard": 3}, "`hazard` must be a text, not 3"),
        ({"prompt": "q", "completion": "a", "hazard": "\udfff"}, "half of a character"),
        ({"prompt": "q", "completion": "a", "round": True}, "`round` must be a whole number"),
        ({"prompt": "q", "completion": "a", "tags": [1]}, "`tags` must be a list of texts"),
        ({"prompt": "q", "chosen": "a", "rejected": "b", "p_chosen": 0.4}, "p_chosen must be a number from 0.5 to 1"),
        ({"prompt": "q", "chosen": "a", "rejected": "b", "flipped": 1}, "`flipped` must be true or false"),
        ({"prompt": "q", "chosen": "a", "rejected": "b", "p_chosen": "1"}, "`p_chosen` must be a number"),
    ],
)
def test_a_row_that_is_not_ours_is_named(row: dict[str, Any], what: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = (
        {"prompt": "q", "completion": "a"} if "completion" in row else {"prompt": "q", "chosen": "a", "rejected": "b"}
    )
    file.write_text(json.dumps(good) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(DatasetError) as caught:
        list(find_rows(file).read("sft" if "completion" in row else "preferences"))
    assert what in caught.value.what and caught.value.where == f"{file}:2" and caught.value.fix


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file or folder"):
        find_rows(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="there are no rows"):
        find_rows(tmp_path)
    (tmp_path / "rows.csv").write_text("prompt,completion\n")
    with pytest.raises(DatasetError, match=r"cannot be read from a \.csv"):
        find_rows(tmp_path / "rows.csv")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match="not readable as Parquet"):
        find_rows(tmp_path / "rows.parquet")


def test_a_run_that_is_not_finished_and_a_recipe_say_what_to_name(tmp_path: Path, run: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "journal.db").write_bytes(b"")
    with pytest.raises(DatasetError) as caught:
        find_rows(tmp_path / "unfinished")
    assert caught.value.fix is not None and "cai generate" in caught.value.fix
    with pytest.raises(DatasetError, match="several stages") as caught:
        find_rows(tmp_path)
    assert caught.value.fix == "name one of them: run"
