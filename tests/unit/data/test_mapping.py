"""Foreign columns and names, through the reader, so that formats and messages are the real ones."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.config.prompts import SourceConfig
from cai.data.sources import read
from cai.errors import PromptSourceError
from cai.records import Prompt


def source(path: Path, **settings: Any) -> SourceConfig:
    return SourceConfig.model_validate({"path": str(path), **settings})


def jsonl(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def turns(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in prompt.messages]


def failure(config: SourceConfig) -> PromptSourceError:
    with pytest.raises(PromptSourceError) as caught:
        list(read(config))
    return caught.value


def test_columns_hazards_and_tags(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"question": "a", "category": "Crime", "prompt": "not this"}, {"question": "b"})
    columns = {"prompt": "question", "hazard": "category"}
    first, second = read(source(path, columns=columns, hazards={"Crime": "ncr"}, tags=["x"], hazard="hte"))
    assert (turns(first), first.hazard, first.tags) == ([("user", "a")], "ncr", ("x",))
    assert (turns(second), second.hazard, second.source) == ([("user", "b")], "hte", "p.jsonl:2")
    assert first.id == next(read(jsonl(tmp_path / "q.jsonl", {"prompt": "a"}))).id


def test_a_name_may_mean_no_hazard_and_others_stay(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"prompt": "a", "hazard": "safe"}, {"prompt": "b", "hazard": "vcr"})
    assert [p.hazard for p in read(source(path, hazards={"safe": None}))] == [None, "vcr"]


def test_labels_may_be_numbers(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"prompt": "a", "label": 3})
    (prompt,) = read(source(path, columns={"hazard": "label"}, hazards={"3": "scam"}))
    assert prompt.hazard == "scam"


def test_a_tag_is_not_given_twice(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"prompt": "a", "tags": ["x", "y"]})
    assert next(read(source(path, tags=["y", "z"]))).tags == ("x", "y", "z")


def test_items_and_keys_inside_a_column(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"turns": ["a", "b"], "meta": {"kind": "vcr"}, "x.y": "dotted"})
    (prompt,) = read(source(path, columns={"prompt": "turns.0", "hazard": "meta.kind"}))
    assert (turns(prompt), prompt.hazard) == ([("user", "a")], "vcr")
    assert turns(next(read(source(path, columns={"prompt": "x.y"})))) == [("user", "dotted")]
    error = failure(source(path, columns={"prompt": "turns.7"}))
    assert (error.where, error.fix) == (f"{path}:1", "set columns.prompt to 'turns.0'")


def test_conversations_with_other_keys_and_names(tmp_path: Path) -> None:
    talk = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    path = jsonl(tmp_path / "p.jsonl", {"conversations": [*talk, *talk]})
    settings = {
        "columns": {"messages": "conversations", "role": "from", "content": "value"},
        "roles": {"human": "user", "gpt": "assistant"},
    }
    (prompt,) = read(source(path, **settings, drop_answer=True))
    assert turns(prompt) == [("user", "a"), ("assistant", "b"), ("user", "a")]
    assert "ends with an assistant turn" in failure(source(path, **settings)).what
    settings["columns"] = {"messages": "conversations", "role": "author"}
    assert failure(source(path, **settings)).what == "messages[0] has no 'author', but 'from', 'value'"


def test_conversations_in_csv_are_json(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    talk = json.dumps([{"role": "human", "content": "a"}]).replace('"', '""')
    path.write_text(f'talk,kind\n"{talk}",vcr\n')
    (prompt,) = read(source(path, columns={"messages": "talk", "hazard": "kind"}, roles={"human": "user"}))
    assert (turns(prompt), prompt.hazard) == ([("user", "a")], "vcr")


def test_a_missing_prompt_column_names_the_likely_one(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", {"Question": "a"})
    error = failure(source(path, columns={"prompt": "qestion"}))
    assert error.what == "there is no column 'qestion' in this row; its columns are 'Question'"
    assert (error.where, error.fix) == (f"{path}:1", "set columns.prompt to 'Question'")


@pytest.mark.parametrize("name", ["p.jsonl", "p.parquet"])
def test_a_column_that_no_row_has_is_a_mistake(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [{"prompt": "a", "hazard": None}, {"prompt": "b", "hazard": "vcr"}]
    jsonl(path, *rows) if name.endswith("l") else pq.write_table(pa.Table.from_pylist(rows), path)
    error = failure(source(path, columns={"hazard": "categry"}))
    assert (error.what, error.where) == ("no row has the column 'categry'", str(path))
    if name == "p.jsonl":
        # Some rows may lack a column that others have.
        path = jsonl(tmp_path / "q.jsonl", {"prompt": "a"}, {"prompt": "b", "kind": "vcr"})
        assert [p.hazard for p in read(source(path, columns={"hazard": "kind"}))] == [None, "vcr"]


def test_a_limit_does_not_hide_the_mistake(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("prompt,kind\na,vcr\nb,vcr\n")
    assert "no row has" in failure(source(tmp_path / "p.csv", columns={"hazard": "knd"}, limit=1)).what
    path = jsonl(tmp_path / "p.jsonl", {"prompt": "a"}, {"prompt": "b", "kind": "vcr"})
    assert len(list(read(source(path, columns={"hazard": "kind"}, limit=1)))) == 1


def test_parquet_reads_only_the_columns_that_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.Table.from_pylist([{"turns": ["a"], "prompt": "no", "kind": "vcr", "big": "x" * 1000}]), path)
    asked: list[Any] = []
    original = pq.ParquetFile.iter_batches

    def spy(file: Any, **settings: Any) -> Any:
        asked.append(settings["columns"])
        return original(file, **settings)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    (prompt,) = read(source(path, columns={"prompt": "turns.0", "hazard": "kind"}))
    assert (turns(prompt), prompt.hazard, asked) == ([("user", "a")], "vcr", [["turns", "kind"]])


@pytest.mark.parametrize("settings", [{"hazards": {"x": "spc_helth"}}, {"hazard": "spc_helth"}])
def test_hazards_of_ours_are_checked(tmp_path: Path, settings: dict[str, Any]) -> None:
    error = failure(source(jsonl(tmp_path / "p.jsonl", {"prompt": "a"}), **settings))
    assert error.what == "there is no hazard 'spc_helth'"
    assert error.fix == "did you mean `spc_hlt`?"


def test_a_limit_counts_from_the_beginning(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", *({"prompt": f"p{index}"} for index in range(5)))
    assert [turns(p)[0][1] for p in read(source(path, limit=2))] == ["p0", "p1"]
