"""Every format is told from its first row, and what is malformed is named with its place."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.errors import FeedbackError
from cai.feedback.columns import Columns
from cai.feedback.formats.read import FORMATS, entries, format_of

PAIR = {"prompt": "p", "response_a": "x", "response_b": "y"}
TASK = {"data": PAIR, "annotations": []}
RECORD = {"id": "r", "fields": PAIR, "responses": {}}


def written(path: Path, value: Any) -> Path:
    if isinstance(value, bytes):
        path.write_bytes(value)
    elif path.suffix == ".json":
        path.write_text(json.dumps(value))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(value), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in value))
    return path


@pytest.mark.parametrize(
    ("name", "value", "format_"),
    [
        ("a.jsonl", [PAIR | {"preferred": "a"}], "jsonl"),
        ("a.json", [PAIR | {"preferred": "a"}], "jsonl"),
        ("a.parquet", [PAIR | {"preferred": "a"}], "jsonl"),
        ("a.csv", b"prompt,response_a,response_b,preferred\np,x,y,a\n", "csv"),
        (
            "a.jsonl",
            [{"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}],
            "hh-rlhf",
        ),
        ("a.json", [TASK], "label-studio"),
        ("a.json", [RECORD], "argilla"),
        ("a.parquet", [PAIR | {"preferred.responses": ["a"], "preferred.responses.users": ["u"]}], "argilla"),
        ("a.parquet", [PAIR | {"preferred": [{"user_id": "u", "value": "a", "status": "submitted"}]}], "argilla"),
        ("a.json", {"comparisons": [], "annotators": {}}, "annotated-pairs"),
    ],
)
def test_the_format_is_told_from_the_first_row(tmp_path: Path, name: str, value: Any, format_: str) -> None:
    path = written(tmp_path / name, value)
    assert format_of(path) == format_
    list(entries(path, format_, Columns()))


HOSTILE: list[tuple[str, str, Any, str]] = [
    ("auto", "a.txt", b"a", r"a\.txt: feedback cannot be read"),
    ("auto", "a.jsonl", b"", r"a\.jsonl: the file holds no row"),
    ("jsonl", "a.jsonl", b'{"preferred": "a"}\n{"prefer', r"a\.jsonl:(1|2)"),
    ("jsonl", "a.jsonl", b"[1, 2]\n", r"a\.jsonl:1: a row must be a JSON object"),
    ("jsonl", "a.jsonl", b'\xff\xfe{"a": 1}\n', r"a\.jsonl:1: not UTF-8"),
    ("csv", "a.csv", b'prompt,preferred\n"a,b\n', r"a\.csv:2: not readable as CSV"),
    ("csv", "a.csv", b"prompt,preferred\na\n", r"a\.csv:2: the row has 1 fields"),
    (
        "csv",
        "a.csv.gz",
        gzip.compress(b"comparison_id,preferred\n" + b"c,a\n" * 99, mtime=0)[:-9],
        r"a\.csv\.gz: the compressed file",
    ),
    ("jsonl", "a.parquet", b"PAR1 no more", r"a\.parquet: not readable as Parquet"),
    ("jsonl", "a.jsonl", [{"response_a": "x", "response_b": "y", "preferred": "a"}], r"a\.jsonl:1: .* no prompt"),
    ("jsonl", "a.jsonl", [PAIR], r"a\.jsonl:1: there is no preference"),
    ("jsonl", "a.jsonl", [PAIR | {"preferred": True}], r"a\.jsonl:1: True is not a preference"),
    ("jsonl", "a.jsonl", [PAIR | {"preferred": "c" * 999}], r"a\.jsonl:1: 'c{50,60}\.\.\. is not a preference"),
    ("jsonl", "a.jsonl", [PAIR | {"rating_a": "NaN", "rating_b": 1}], r"a\.jsonl:1: rating_a is not a number"),
    ("jsonl", "a.jsonl", [PAIR | {"rating_a": 10**400, "rating_b": 1}], r"a\.jsonl:1: rating_a is not a number"),
    ("jsonl", "a.jsonl", [PAIR | {"response_a": ["x"], "preferred": "a"}], r"a\.jsonl:1: response_a must be a text"),
    ("jsonl", "a.jsonl", [PAIR | {"response_a": "\ud800", "preferred": "a"}], r"a\.jsonl:1: .*lone surrogate"),
    ("jsonl", "a.jsonl", [PAIR | {"prompt": [{"role": "user"}], "preferred": "a"}], r"a\.jsonl:1: .*'content'"),
    ("hh-rlhf", "a.jsonl", [{"chosen": "Hello", "rejected": "Hi"}], r"a\.jsonl:1: chosen: the transcript does not"),
    ("hh-rlhf", "a.jsonl", [{"chosen": 3, "rejected": "Hi"}], r"a\.jsonl:1: chosen is no transcript"),
    ("label-studio", "a.json", [{"data": PAIR}], r"a\.json:1: this is not a task"),
    ("label-studio", "a.json", [TASK | {"annotations": [{"id": 1}]}], r"a\.json:1: annotations\[0\] has no list"),
    ("label-studio", "a.json", [TASK | {"annotations": [{"result": [{}]}]}], r"a\.json:1: .*a result has no `value`"),
    (
        "label-studio",
        "a.json",
        [TASK | {"annotations": [{"result": [{"type": "pairwise", "value": {"selected": "up"}}]}]}],
        r"a\.json:1: annotations\[0\]: 'up' is not a preference",
    ),
    ("argilla", "a.json", [RECORD | {"fields": 3}], r"a\.json:1: `fields` is not an object"),
    ("argilla", "a.json", [RECORD | {"responses": {"q": "a"}}], r"a\.json:1: the responses to 'q'"),
    ("annotated-pairs", "a.json", b"{", r"a\.json: this is not a JSON object"),
    ("annotated-pairs", "a.json", {"comparisons": [3], "annotators": {}}, r"a\.json:1: this comparison has no"),
    ("nonsense", "a.json", [TASK], "there is no format 'nonsense'"),
]


@pytest.mark.parametrize(("format_", "name", "value", "says"), HOSTILE)
def test_what_is_malformed_is_named_with_its_place(
    tmp_path: Path, format_: str, name: str, value: Any, says: str
) -> None:
    path = written(tmp_path / name, value)
    with pytest.raises(FeedbackError, match=says) as caught:
        list(entries(path, format_of(path) if format_ == "auto" else format_, Columns()))
    assert caught.value.fix


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_or_folder_that_cannot_be_read_is_named(tmp_path: Path, format_: str) -> None:
    folder = tmp_path / "folder.json"
    folder.mkdir()
    for path in (tmp_path / "missing.json", folder):
        with pytest.raises(FeedbackError, match=path.name):
            list(entries(path, format_, Columns()))


@pytest.mark.parametrize("text", ["prompt", "prompt=", "colour=x", "=x"])
def test_columns_that_are_not_ours_are_refused(text: str) -> None:
    with pytest.raises(FeedbackError, match="does not name a column"):
        Columns.of([text])


def test_a_named_column_stands_alone(tmp_path: Path, judged: Callable[..., list[Any]]) -> None:
    row = {"prompt": "not this", "asked": "this", "one": "x", "two": "y", "best": 2}
    names = ("prompt=asked", "response_a=one", "response_b=two", "preferred=best")
    (found,) = judged(written(tmp_path / "a.jsonl", [row]), "jsonl", *names)
    assert (found.prompt[0].content, found.response_a, found.p_a) == ("this", "x", 0.0)
