"""Sources are found by kind, and what is wrong with them is said with a place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.config.training import DataSource
from cai.errors import DatasetError
from cai.training.rows import Kind
from cai.training.sources import find_source, read_examples

Row = Callable[[int], dict[str, Any]]


def shard(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def found(path: Path, kind: Kind = "sft") -> tuple[list[str], list[str]]:
    files = find_source(DataSource(path=str(path)), kind)
    return [file.name for file in files.train], [file.name for file in files.heldout]


def test_a_run_directory_gives_the_dataset_of_the_kind(tmp_path: Path, make_answer: Row, make_pair: Row) -> None:
    shard(tmp_path / "datasets" / "sft" / "train-00000-of-00001.parquet", [make_answer(1)])
    shard(tmp_path / "datasets" / "preferences" / "train-00000-of-00002.parquet", [make_pair(1)])
    shard(tmp_path / "datasets" / "preferences" / "eval-00000-of-00001.parquet", [make_pair(2)])
    assert found(tmp_path) == (["train-00000-of-00001.parquet"], [])
    kinds: tuple[Kind, ...] = ("reward", "dpo", "kto")
    for kind in kinds:
        assert found(tmp_path, kind) == (["train-00000-of-00002.parquet"], ["eval-00000-of-00001.parquet"])


def test_a_folder_of_shards_holds_out_what_is_not_for_training(tmp_path: Path, make_answer: Row) -> None:
    for name in ("b", "a", "eval-0", "test-0", "validation-0"):
        shard(tmp_path / f"{name}.parquet", [make_answer(1)])
    assert found(tmp_path) == (["a.parquet", "b.parquet"], ["eval-0.parquet", "test-0.parquet", "validation-0.parquet"])


def test_a_file_is_trained_on_whatever_its_name(tmp_path: Path, make_answer: Row) -> None:
    path = shard(tmp_path / "eval-0.parquet", [make_answer(1)])
    assert found(path) == (["eval-0.parquet"], [])


def test_parquet_and_jsonl_give_the_same_examples(tmp_path: Path, make_pair: Row) -> None:
    rows = [make_pair(n) for n in range(3)]
    lines = tmp_path / "rows.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet = shard(tmp_path / "rows.parquet", rows)
    examples = list(read_examples((lines,), "dpo"))
    assert len(examples) == 3
    assert list(read_examples((parquet,), "dpo")) == examples


def test_the_fingerprint_follows_the_rows_and_what_is_held_out(tmp_path: Path, make_answer: Row) -> None:
    def fingerprint(folder: Path) -> str:
        return find_source(DataSource(path=str(folder)), "sft").fingerprint()

    for name, held in (("one", 2), ("two", 2), ("three", 3)):
        shard(tmp_path / name / "train-0.parquet", [make_answer(1)])
        shard(tmp_path / name / "eval-0.parquet", [make_answer(held)])
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two") != fingerprint(tmp_path / "three")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, ["no such file or folder"]),
        (lambda path: path.mkdir(), ["no Parquet files", "run directory"]),
        (lambda path: (path / "sft").mkdir(parents=True), ["no Parquet files", "name one of sft in it"]),
        (lambda path: (path / "datasets").mkdir(parents=True), ["no rows for training in datasets/sft", "finish"]),
    ],
)
def test_a_source_that_is_not_there_is_an_error(make: Callable[[Path], None], words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "data"
    make(path)
    with pytest.raises(DatasetError) as caught:
        find_source(DataSource(path=str(path)), "sft")
    for word in ("data", *words):
        assert word in str(caught.value)


def test_other_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x")
    with pytest.raises(DatasetError, match=r"from a \.csv .*\.parquet, \.jsonl"):
        find_source(DataSource(path=str(path)), "sft")


def test_a_bad_row_is_named_by_its_place(tmp_path: Path, make_answer: Row) -> None:
    lines = tmp_path / "rows.jsonl"
    lines.write_text(json.dumps(make_answer(1)) + "\n{]\n")
    with pytest.raises(DatasetError, match=r"rows\.jsonl:2: not readable as JSON"):
        list(read_examples((lines,), "sft"))
    parquet = shard(tmp_path / "rows.parquet", [{"prompt": "a", "completion": "b"}, {"prompt": "a"}])
    with pytest.raises(DatasetError, match=r"rows\.parquet:2: there is no `completion`"):
        list(read_examples((parquet,), "sft"))
    other = shard(tmp_path / "other.parquet", [{"question": "a", "reply": "b"}])
    with pytest.raises(DatasetError, match="it has: question, reply"):
        list(read_examples((other,), "sft"))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing")
    with pytest.raises(DatasetError, match="not readable as Parquet"):
        list(read_examples((broken,), "sft"))


def test_what_people_said_of_a_run_is_a_source_of_comparisons(tmp_path: Path, make_pair: Row) -> None:
    (tmp_path / "judgements.db").touch()
    shard(tmp_path / "preferences" / "train-00000-of-00001.parquet", [make_pair(1)])
    shard(tmp_path / "preferences" / "eval-00000-of-00001.parquet", [make_pair(2)])
    assert found(tmp_path, "dpo") == (["train-00000-of-00001.parquet"], ["eval-00000-of-00001.parquet"])
    with pytest.raises(DatasetError, match="no Parquet files"):
        found(tmp_path, "sft")
    (tmp_path / "preferences" / "train-00000-of-00001.parquet").unlink()
    with pytest.raises(DatasetError, match="has no rows for training"):
        found(tmp_path, "reward")
