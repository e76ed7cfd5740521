"""Datasets of the Hub, read by the real loader from folders that are laid out like repositories; no network."""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.config.prompts import SourceConfig
from cai.data.hub import HubName, hub_name
from cai.data.mixture import mix
from cai.data.sources import read, scan
from cai.errors import PromptSourceError

CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.parquet
  - split: test
    path: data/test.parquet
- config_name: broken
  data_files: broken.parquet
---
A dataset of two configurations.
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    rows = [{"question": f"q{index}", "kind": "vcr" if index else None} for index in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train.parquet")
    pq.write_table(pa.Table.from_pylist([{"question": "t", "kind": None}]), folder / "data" / "test.parquet")
    pq.write_table(pa.Table.from_pylist([{"prompt": "l"}, {"prompt": " "}]), folder / "broken.parquet")
    return folder


def source(path: str, **settings: Any) -> SourceConfig:
    return SourceConfig.model_validate({"path": path, **settings})


def failure(config: SourceConfig) -> PromptSourceError:
    with pytest.raises(PromptSourceError) as caught:
        list(read(config))
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf:squad", HubName("squad", None, None, None, "train")),
        ("hf:org/name", HubName("org/name", None, None, None, "train")),
        ("hf:org/name/sub/folder", HubName("org/name", "sub/folder", None, None, "train")),
        ("hf:org/name@refs/convert/parquet:en#test", HubName("org/name", None, "refs/convert/parquet", "en", "test")),
        ("hf:./here/there:en", HubName("here/there", None, None, "en", "train")),
        ("hf:/a/b/c#x", HubName("/a/b/c", None, None, None, "x")),
    ],
)
def test_names(text: str, name: HubName) -> None:
    assert hub_name(text) == name


@pytest.mark.parametrize("text", ["hf:", "hf:@main", "hf:a#"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(PromptSourceError, match="not a name of a dataset"):
        hub_name(text)


def test_rows_through_the_mapping(repository: Path) -> None:
    config = source(f"hf:{repository}", columns={"prompt": "question", "hazard": "kind"})
    prompts = list(read(config))
    assert [p.messages[0].content for p in prompts] == ["q0", "q1", "q2"]
    assert [p.hazard for p in prompts] == [None, "vcr", "vcr"]
    assert prompts[2].source == f"hf:{repository}:3"
    info = scan(config)
    assert (info.count, info.with_hazard, info.format, info.sha256) == (3, 2, "hub", None)


def test_splits_and_configurations(repository: Path) -> None:
    columns = {"columns": {"prompt": "question"}}
    assert [p.messages[0].content for p in read(source(f"hf:{repository}#test", **columns))] == ["t"]
    error = failure(source(f"hf:{repository}#validation", **columns))
    assert "there is no split 'validation'" in error.what
    assert error.fix == "write #SPLIT after the name; it has train, test"
    error = failure(source(f"hf:{repository}:nope", **columns))
    assert "Available: ['default', 'broken']" in error.what


def test_a_bad_row_is_named_by_its_number(repository: Path) -> None:
    lines = read(source(f"hf:{repository}:broken"))
    assert next(lines).messages[0].content == "l"
    with pytest.raises(PromptSourceError) as caught:
        next(lines)
    assert caught.value.where == f"hf:{repository}:broken:2"


def test_a_dataset_is_checked_only_as_far_as_it_is_read(repository: Path) -> None:
    assert mix(f"hf:{repository}:broken", 0, limit=1).count == 1
    with pytest.raises(PromptSourceError, match="the prompt is empty"):
        mix(f"hf:{repository}:broken", 0, limit=2)


def test_a_folder_without_a_card(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"prompt": "a"}) + "\n")
    assert [p.messages[0].content for p in read(source(f"hf:{tmp_path}"))] == ["a"]


def test_formats_that_can_run_code_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.pkl").write_bytes(pickle.dumps([{"prompt": "a"}]))
    assert "no file that can be read" in failure(source(f"hf:{tmp_path}")).what


def test_what_is_not_there(tmp_path: Path) -> None:
    assert failure(source(f"hf:{tmp_path}/none")).what == "there is no such folder"


def test_a_broken_file_is_an_error_of_the_source(repository: Path) -> None:
    (repository / "data" / "train.parquet").write_bytes(b"PAR1 nothing PAR1")
    error = failure(source(f"hf:{repository}", columns={"prompt": "question"}))
    assert error.where is not None
    assert error.where.startswith(f"hf:{repository}")


def test_without_the_package_it_says_what_to_install(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    error = failure(source(f"hf:{repository}"))
    assert "datasets" in error.what
    assert error.fix == 'pip install "constitutional-ai[hub]", or download the dataset and name its file'
