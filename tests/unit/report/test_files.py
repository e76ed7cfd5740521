"""Files of stages: what is none of ours is an error that names the file; lines that were cut are passed over."""

from pathlib import Path

import pytest

from cai.errors import StorageError
from cai.report.files import number_in, read_object, read_rows, rows_in, text_in


@pytest.mark.parametrize(
    ("text", "what"),
    [("{", "not a JSON object"), ("[1]", "not a JSON object"), ('{"schema_version": 2}', "format 2")],
)
def test_a_file_that_is_none_of_ours(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(StorageError, match=what) as caught:
        read_object(path, "cai eval")
    assert caught.value.where == str(path) and caught.value.fix == "run cai eval again, then the report"


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        read_object(tmp_path / "none.json", "cai eval")
    with pytest.raises(StorageError):
        list(read_rows(tmp_path / "none.jsonl"))


def test_lines_that_were_cut_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n[2]\n\n{"a": 3}\n{"a": 4')
    assert list(read_rows(path)) == [{"a": 1}, {"a": 3}]


def test_values_of_another_kind_count_as_absent() -> None:
    row = {"n": 1.5, "t": True, "x": "1", "nan": float("nan"), "inf": float("inf"), "none": None, "list": [{"a": 1}, 2]}
    assert number_in(row, "n") == 1.5
    assert [number_in(row, key) for key in ("t", "x", "nan", "inf", "none", "absent")] == [None] * 6
    assert (text_in(row, "x"), text_in(row, "none"), text_in(row, "absent")) == ("1", "", "")
    assert (rows_in(row, "list"), rows_in(row, "x")) == ([{"a": 1}], [])
