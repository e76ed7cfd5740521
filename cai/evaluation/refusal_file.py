"""Marks the answers of a JSON lines file: rows with `prompt` and `response` in, the same with `refusal` out."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.data.readers import jsonl_rows
from cai.data.rows import RawRow, prompt_of
from cai.errors import UsageError
from cai.refusals.detector import RefusalLevel, detect_refusal
from cai.store.atomic import make_folder, replacing

COLUMN = "refusal"
_RESPONSE = "response"
_OTHER_NAMES = {"completion": _RESPONSE, "answer": _RESPONSE, "output": _RESPONSE, "generation": _RESPONSE}


@dataclass(frozen=True, slots=True)
class RefusalCounts:
    """Rows of a file, and how many of them refuse not at all, in part and in full."""

    rows: int = 0
    none: int = 0
    partial: int = 0
    full: int = 0

    def plus(self, level: RefusalLevel) -> "RefusalCounts":
        """The counts with one more row."""
        return RefusalCounts(
            self.rows + 1,
            self.none + (level == "none"),
            self.partial + (level == "partial"),
            self.full + (level == "full"),
        )


def annotate_file(source: Path, out: Path) -> RefusalCounts:
    """Write every row of `source` to `out` with a column `refusal`: `none`, `partial` or `full`.

    Rows stay in their order and keep all their columns; a column `refusal` that is there already is replaced. Memory
    does not grow with the file. `out` appears whole or not at all, and may be `source` itself.

    Raises:
        UsageError: `source` is missing or empty, or one of its rows has no usable prompt or response; says which line.
        StorageError: `out` cannot be written.
    """
    counts = RefusalCounts()
    make_folder(out.parent)
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in _rows(source):
            level = level_of(row, str(source))
            file.write(_line({**row.values, COLUMN: level}))
            counts = counts.plus(level)
        if counts.rows == 0:
            raise UsageError(
                "the file holds no row", where=str(source), fix='write {"prompt": ..., "response": ...} rows'
            )
    return counts


def level_of(row: RawRow, path: str) -> RefusalLevel:
    """The level of one row. In a prompt of several turns, the user's last one is what was asked.

    Raises:
        UsageError: The row has no usable prompt or response.
    """
    where = f"{path}:{row.number}"
    response = row.values.get(_RESPONSE)
    if not isinstance(response, str):
        raise _bad_response(row.values, where)
    # Of the other columns some mean something in a file of prompts; here they are only carried along.
    known = {key: row.values[key] for key in ("prompt",) if key in row.values} or row.values
    prompt = prompt_of(RawRow(row.number, known), path, path)
    return detect_refusal(prompt.messages[-1].content, response)


def _rows(source: Path) -> Iterator[RawRow]:
    try:
        yield from jsonl_rows(source)
    except OSError as error:
        what = "this is a folder, not a file" if source.is_dir() else f"the file cannot be read: {error.strerror}"
        raise UsageError(what, where=str(source), fix="check the path") from None


def _line(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False)
    # Half a character (a lone surrogate) has no UTF-8 form; as an escape it is what was read.
    return (text if _encodable(text) else json.dumps(row)) + "\n"


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _bad_response(columns: Mapping[str, Any], where: str) -> UsageError:
    if _RESPONSE in columns:
        return UsageError("response must be a text", where=where, fix='write "" where a model said nothing')
    near = next((name for name in columns if name.lower() in _OTHER_NAMES), None)
    near = near or next(iter(difflib.get_close_matches(_RESPONSE, list(columns), n=1)), None)
    fix = f"rename {near!r} to {_RESPONSE!r}" if near else f"add {_RESPONSE!r}, the answer as a text"
    return UsageError(f"there is no {_RESPONSE!r} in this row", where=where, fix=fix)
