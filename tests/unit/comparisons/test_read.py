"""Files of every format, and published ones where they are."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.comparisons.given import Given
from cai.comparisons.read import BadRow, count, read
from cai.errors import PromptSourceError

DATA = Path(__file__).parents[3].parent / "shared" / "data"
ROWS = [{"prompt": f"Question {n}", "response_a": "x", "response_b": "y", "right": "ab"[n % 2]} for n in range(5)]


def written(path: Path) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(ROWS))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as out:
            table = csv.DictWriter(out, list(ROWS[0]))
            table.writeheader()
            table.writerows(ROWS)
    else:
        text = "".join(json.dumps(row) + "\n" for row in ROWS)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "p.json", "p.csv", "p.parquet"])
def test_every_format(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    found = [row for row in read(path) if isinstance(row, Given)]
    assert [row.right for row in found] == ["a", "b", "a", "b", "a"]
    assert [row.comparison.prompt.messages[0].content for row in found] == [row["prompt"] for row in ROWS]
    assert count(path) == 5
    assert len(list(read(path, 2))) == 2


def test_a_bad_row_is_one_and_the_rest_go_on(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"a": 1}\n' + json.dumps(ROWS[0]) + "\n")
    bad, good = read(path)
    assert isinstance(bad, BadRow) and isinstance(good, Given)
    assert (bad.number, bad.error.where) == (1, f"{path}:1")
    assert count(path) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.jsonl", "", "holds no comparison"),
        ("p.jsonl", '{"a": 1}\n{"b": 1}\n', "columns are 'a'"),
        ("p.jsonl", "{", "not readable as JSON"),
        ("p.txt", "x", "cannot be read from such a file"),
        ("p.pkl", "x", "cannot be read from such a file"),
    ],
)
def test_a_file_without_any_says_why(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PromptSourceError, match=said):
        count(tmp_path / name)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for name, said in (("none.jsonl", "no such file"), ("folder.jsonl", "a folder")):
        with pytest.raises(PromptSourceError, match=said):
            count(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "rows", "empty"),
    [
        ("llmbar/Natural.json", 100, 0),
        ("llmbar/Adversarial_Neighbor.json", 134, 0),
        ("cai_paper/evals/HarmfulVsEthical.jsonl", 254, 0),
        ("hh_rlhf/harmless-base_test.jsonl.gz", 2312, 4),
    ],
)
def test_published_files(name: str, rows: int, empty: int) -> None:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    found = list(read(path))
    good = [row for row in found if isinstance(row, Given)]
    bad = [row.error.what for row in found if isinstance(row, BadRow)]
    # In hh-rlhf a few pairs part before their last turn.
    parted = [what for what in bad if "last answer alone" in what]
    assert (len(found), bad.count("an answer is empty"), len(parted)) == (rows, empty, 5 if empty else 0)
    assert len(bad) == empty + len(parted)
    assert all(row.right for row in good)
    assert 0.4 < sum(row.right == "a" for row in good) / len(good) < 0.6
