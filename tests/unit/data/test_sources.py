"""Every format of prompt files, with good rows and bad ones; each error says where, what and what to do."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.data.sources import read, scan
from cai.errors import PromptSourceError
from cai.records import Message, Prompt

CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": ""},
    {"role": "user", "content": "  Zwölf\u2028 \x85 🙂?\n"},
]


def write(path: Path, data: str | bytes) -> Path:
    raw = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def jsonl(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def failure(path: Path) -> PromptSourceError:
    with pytest.raises(PromptSourceError) as caught:
        scan(path)
    assert caught.value.exit_code == 2
    assert caught.value.where and caught.value.where.startswith(str(path))
    assert caught.value.fix
    return caught.value


def only(path: Path) -> Prompt:
    (prompt,) = read(path)
    return prompt


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "P.JSONL"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    rows = [{"prompt": "one", "hazard": "vcr", "tags": ["a", "b"], "other": 3}, {"messages": CHAT}]
    path = write(tmp_path / name, "\ufeff" + jsonl(rows[0]) + "\n  \n" + jsonl(rows[1]))
    first, second = read(path)
    assert first == Prompt.of((Message("user", "one"),), f"{name}:1", "vcr", ("a", "b"))
    assert [m.to_dict() for m in second.messages] == CHAT
    assert second.source == f"{name}:4"
    info = scan(path)
    assert (info.count, info.multi_turn, info.with_hazard, info.format) == (2, 1, 1, name.lower()[1:])


def test_json_list(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", json.dumps([{"prompt": CHAT}, {"prompt": "x", "messages": None}], indent=1))
    first, second = read(path)
    assert [m.to_dict() for m in first.messages] == CHAT
    assert (second.messages, second.source) == ((Message("user", "x"),), "p.json:2")


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    text = (
        'id,prompt,hazard,tags,messages\r\n1,"a, ""b""\nc",vcr,"x, y,",\r\n\r\n2,d,,,\n'
        '3,,,,"[{""role"": ""user"", ""content"": ""e""}]"\n'
    )
    a, d, e = read(write(tmp_path / name, "\ufeff" + text))
    assert a == Prompt.of((Message("user", 'a, "b"\nc'),), f"{name}:2", "vcr", ("x", "y"))
    assert d == Prompt.of((Message("user", "d"),), f"{name}:5")
    assert e == Prompt.of((Message("user", "e"),), f"{name}:6")


@pytest.mark.parametrize("name", ["p.txt", "p.txt.gz"])
def test_plain_text(tmp_path: Path, name: str) -> None:
    first, second = read(write(tmp_path / name, "Human: one\u2028x\r\n\n \n  two  "))
    assert (first.messages[0].content, first.source) == ("Human: one\u2028x", f"{name}:1")
    assert (second.messages[0].content, second.source) == ("  two  ", f"{name}:4")


def test_parquet(tmp_path: Path) -> None:
    rows = [
        {"prompt": None, "messages": CHAT, "tags": ["a"], "big": 1},
        {"prompt": "x", "messages": None, "tags": None, "big": 2},
    ]
    pq.write_table(pa.Table.from_pylist(rows * 300), tmp_path / "p.parquet")
    prompts = list(read(tmp_path / "p.parquet"))
    assert len(prompts) == 600
    assert [m.to_dict() for m in prompts[0].messages] == CHAT
    assert prompts[0].tags == ("a",)
    assert (prompts[-1].messages[0].content, prompts[-1].source) == ("x", "p.parquet:600")


def test_hh_rlhf_rows_lose_only_the_judged_answer(tmp_path: Path) -> None:
    chosen = "\n\nHuman: Note: Human: x\n\nAssistant: ok\n\nHuman: b\n\nAssistant: c\n\nAssistant: d"
    prompt = only(write(tmp_path / "p.jsonl", jsonl({"chosen": chosen, "rejected": "r"})))
    assert [(m.role, m.content) for m in prompt.messages] == [
        ("user", "Note: Human: x"),
        ("assistant", "ok"),
        ("user", "b"),
    ]


def test_the_id_depends_on_the_messages_alone(tmp_path: Path) -> None:
    a = only(write(tmp_path / "a.jsonl", jsonl({"prompt": "x", "hazard": "h"})))
    b = only(write(tmp_path / "b.txt", "\nx"))
    assert a.id == b.id


def test_reading_is_a_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", jsonl({"prompt": "good"}) + "{bad\n")
    assert next(read(path)).messages[0].content == "good"
    assert failure(path).where == f"{path}:2"


BAD_ROWS: list[tuple[Any, str, str]] = [
    ({"promt": "x", "id": 1}, "no prompt in this row; its columns are 'promt', 'id'", "rename 'promt' to 'prompt'"),
    ({"Prompt": "x"}, "no prompt", "rename 'Prompt' to 'prompt'"),
    ({"mesages": []}, "no prompt", "rename 'mesages' to 'messages'"),
    ({"question": "x"}, "no prompt", 'a row needs "messages"'),
    ({}, "its columns are none", 'a row needs "messages"'),
    ("x", "must be a JSON object", '{"prompt": "..."}'),
    ({"prompt": "  \n"}, "the prompt is empty", "remove the row"),
    ({"prompt": None}, "the prompt is empty", "remove the row"),
    ({"prompt": 5}, "must be a list of messages, not a number", "a row needs"),
    ({"messages": []}, "empty list", "at least one user turn"),
    ({"messages": "x"}, "must be a list of messages, not a text", "a row needs"),
    ({"messages": ["x"]}, "messages[0] must be an object, not a text", "a row needs"),
    ({"messages": [{"role": "user"}]}, "messages[0] has no 'content'", "add 'content'"),
    ({"messages": [{"role": "user", "contents": "x"}]}, "has no 'content'", "rename 'contents' to 'content'"),
    ({"messages": [{"from": "user", "content": "x"}]}, "has no 'role'", "add 'role'"),
    ({"messages": [{"role": "human", "content": "x"}]}, "has the role 'human'", "write 'user'"),
    ({"messages": [{"role": "usr", "content": "x"}]}, "has the role 'usr'", "write 'user'"),
    ({"messages": [{"role": 7, "content": "x"}]}, "has the role 7", "system, user, assistant"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "must be a text, not a list", "only text"),
    (
        {"messages": [*CHAT, {"role": "assistant", "content": "x"}]},
        "ends with an assistant turn",
        "remove what follows",
    ),
    ({"messages": CHAT[:1]}, "ends with a system turn", "the user's"),
    ({"prompt": "x", "hazard": 4}, "hazard must be a text, not a number", "quotes"),
    ({"prompt": "x", "tags": "a,b"}, "tags must be a list of texts", '["one", "two"]'),
    ({"chosen": "hello"}, "does not begin with", "check the text"),
    ({"chosen": "\n\nAssistant: x"}, "no Human turn", "remove the row"),
    ({"chosen": "\n\nHuman:  \n\nAssistant: x"}, "the prompt is empty", "remove the row"),
    ({"chosen": [{"role": "user", "content": "x"}]}, "must be an hh-rlhf text, not a list", '"prompt"'),
]


@pytest.mark.parametrize(("row", "what", "fix"), BAD_ROWS)
def test_a_bad_row_is_named_by_line_with_what_to_do(tmp_path: Path, row: Any, what: str, fix: str) -> None:
    error = failure(write(tmp_path / "p.jsonl", jsonl({"prompt": "fine"}) + "\n" + jsonl(row)))
    assert error.where == f"{tmp_path / 'p.jsonl'}:3"
    assert what in error.what
    assert error.fix and fix in error.fix


def test_half_a_character_is_refused_before_it_can_spoil_a_file(tmp_path: Path) -> None:
    for row in [{"prompt": "a\ud83d"}, {"prompt": "a", "tags": ["\udc00"]}, {"prompt": "a", "hazard": "\udc00"}]:
        assert "lone surrogate" in failure(write(tmp_path / "p.jsonl", json.dumps(row))).what


BAD_FILES: list[tuple[str, str | bytes, str, str]] = [
    ("p.jsonl", "", "", "holds no prompt"),
    ("p.json", " ", "", "holds no prompt"),
    ("p.json", "[]", "", "holds no prompt"),
    ("p.csv", "prompt\n", "", "holds no prompt"),
    ("p.txt", "\n\n", "", "holds no prompt"),
    ("p.jsonl", '{"prompt": "a"}\n\n{"prompt": \n', ":3", "not readable as JSON"),
    ("p.jsonl", "[" * 100_000, ":1", "not readable as JSON"),
    ("p.json", '[{"prompt": "a"},\n{"prompt" 3}]', ":2:11", "not readable as JSON"),
    ("p.json", '{"prompt": "a"}', "", "must hold a JSON list"),
    ("p.json", '[{"prompt": "a"}, "b"]', ":2", "must be a JSON object"),
    ("p.txt", b"good\nb\xe4d\n", ":2", "not UTF-8 (byte 2 of the line is 0xe4)"),
    ("p.jsonl", '{"prompt": "a"}\n'.encode("utf-16"), ":1", "not UTF-8"),
    ("p.csv", 'prompt\n"a\nb"\n"c\nd" e\n', ":4", "not readable as CSV"),
    ("p.csv", 'prompt\na\n"b', ":3", "not readable as CSV"),
    ("p.csv", 'id,prompt\n1,"a\nb"\n2,c, d\n', ":4", "3 fields and the header 2"),
    ("p.csv", 'id,prompt\n1,"a\nb"\n2,\n', ":4", "the prompt is empty"),
    ("p.csv", "id,prompts_final\n1,a\n", ":2", "no prompt in this row"),
    ("p.csv", "messages\nhello\n", ":2", "does not hold JSON"),
    ("p.parquet", "no parquet", "", "not readable as Parquet"),
    ("p.pkl", "x", "", "cannot be read from a .pkl file"),
    ("prompts", "x", "", "cannot be read from a file without a suffix"),
    ("p.json.gz", "[]", "", "cannot be read from a .gz file"),
]


@pytest.mark.parametrize(("name", "data", "place", "what"), BAD_FILES)
def test_a_bad_file_is_a_clear_error(tmp_path: Path, name: str, data: str | bytes, place: str, what: str) -> None:
    error = failure(write(tmp_path / name, data))
    assert error.where == f"{tmp_path / name}{place}"
    assert what in error.what


def test_damaged_gzip_is_a_clear_error(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"prompt": "a"}\n' * 1000)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])
    (tmp_path / "no.jsonl.gz").write_bytes(b"plain")
    for name in ("cut.jsonl.gz", "no.jsonl.gz"):
        assert "damaged or cut short" in failure(tmp_path / name).what


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".txt.gz"])
def test_missing_files_and_folders_are_clear_errors(tmp_path: Path, suffix: str) -> None:
    assert failure(tmp_path / f"none{suffix}").what == "there is no such file"
    (tmp_path / f"folder{suffix}").mkdir()
    assert failure(tmp_path / f"folder{suffix}").what == "this is a folder, not a file"


def test_parquet_rows_are_checked_like_others(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"prompt": ["a", None]}), path)
    assert (failure(path).where, failure(path).what) == (f"{path}:2", "the prompt is empty")
    pq.write_table(pa.table({"promt": ["a"]}), path)
    assert failure(path).fix == "rename 'promt' to 'prompt'"
    pq.write_table(pa.table({"prompt": pa.array(["a"])}).slice(0, 0), path)
    assert "holds no prompt" in failure(path).what
