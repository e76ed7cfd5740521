"""Rows in our columns, from Parquet or JSON lines, checked and with every column of their schema."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from cai.data.formats.base import NewRow, Row
from cai.data.formats.provenance import CONTENT
from cai.data.readers import jsonl_rows
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA
from cai.errors import DatasetError, PromptSourceError
from cai.records import Author, Message, Prompt

Dataset = Literal["sft", "preferences"]
SCHEMAS: dict[Dataset, pa.Schema] = {"sft": SFT_SCHEMA, "preferences": PREFERENCE_SCHEMA}

_BATCH_ROWS = 1024
_ROLES: tuple[str, ...] = get_args(Author)


class _Kind(NamedTuple):
    name: str
    fits: Callable[[Any], bool]


_TEXT = _Kind("a text", lambda value: isinstance(value, str))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_WHOLE = _Kind("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
_NUMBER = _Kind("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
_TEXTS = _Kind(
    "a list of texts", lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value)
)
_KINDS = {
    str(pa.string()): _TEXT,
    str(pa.bool_()): _FLAG,
    str(pa.int32()): _WHOLE,
    str(pa.float64()): _NUMBER,
    str(pa.list_(pa.string())): _TEXTS,
}


def read_rows(file: Path, dataset: Dataset) -> Iterator[NewRow]:
    """The rows of a file, as a stream; columns that are not ours are dropped, ours that are absent become null.

    Raises:
        DatasetError: The file or a row is not usable; says where, and what to do.
    """
    schema = SCHEMAS[dataset]
    for number, values in _numbered(file, schema.names):
        yield _row(values, schema, f"{file}:{number}")


def columns_of(file: Path) -> list[str]:
    """The columns of a file: of its schema, or of its first row; none if it is empty.

    Raises:
        DatasetError: The file cannot be read.
    """
    if file.suffix != ".parquet":
        first = next(_jsonl(file), None)
        return [] if first is None else [str(name) for name in first[1]]
    try:
        return list(pq.read_schema(file).names)
    except pa.ArrowException as error:
        raise _not_parquet(error, file) from None


def _numbered(file: Path, wanted: list[str]) -> Iterator[tuple[int, Row]]:
    if file.suffix != ".parquet":
        yield from _jsonl(file)
        return
    number = 0
    try:
        with pq.ParquetFile(file) as table:
            known = [name for name in table.schema_arrow.names if name in wanted]
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=known):
                for values in batch.to_pylist():
                    number += 1
                    yield number, values
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _not_parquet(error, file) from None


def _jsonl(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        for row in jsonl_rows(file):
            yield row.number, row.values
    except PromptSourceError as error:
        raise DatasetError(error.what, where=error.where, fix=error.fix) from None


def _not_parquet(error: Exception, file: Path) -> DatasetError:
    what = f"not readable as Parquet: {str(error).splitlines()[0]}"
    return DatasetError(what, where=str(file), fix="write the file again")


def _row(values: Row, schema: pa.Schema, where: str) -> NewRow:
    row: NewRow = {}
    for field in schema:
        value = values.get(field.name)
        content = field.name in CONTENT
        row[field.name] = _turns(value, field.name, where) if content else _of_type(value, field, where)
    if "p_chosen" in row:
        row["p_chosen"] = _probability(row["p_chosen"], where)
    if row["prompt_id"] is None:
        messages = tuple(Message(turn["role"], turn["content"]) for turn in row["prompt"])
        row["prompt_id"] = Prompt.of(messages, "").id
    return row


def _turns(value: Any, column: str, where: str) -> list[dict[str, str]]:
    """The messages of a column: a prompt ends with a user turn, an answer is one assistant message."""
    if isinstance(value, str):
        value = [{"role": "user" if column == "prompt" else "assistant", "content": value}]
    fix = 'write a text, or a list of {"role": ..., "content": ...}'
    if not isinstance(value, list) or not value:
        raise DatasetError(f"`{column}` must be a text or a list of messages", where=where, fix=fix)
    turns = [_turn(item, f"{column}[{index}]", where) for index, item in enumerate(value)]
    if column == "prompt":
        if turns[-1]["role"] != "user":
            fix = "end it with the user's turn; the answer goes into a column of its own"
            raise DatasetError("the prompt does not end with a user turn", where=where, fix=fix)
    elif len(turns) != 1 or turns[0]["role"] != "assistant":
        raise DatasetError(
            f"`{column}` must be one assistant message", where=where, fix="put other turns into `prompt`"
        )
    return turns


def _turn(item: Any, place: str, where: str) -> dict[str, str]:
    role, content = (item.get("role"), item.get("content")) if isinstance(item, Mapping) else (None, None)
    if role not in _ROLES or not isinstance(content, str):
        what = f"{place} is not a message with a role ({', '.join(_ROLES)}) and a text"
        raise DatasetError(what, where=where, fix='write it as {"role": ..., "content": ...}')
    return {"role": str(role), "content": _text(content, place, where)}


def _text(value: str, place: str, where: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        what = f"{place} holds half of a character (a lone surrogate)"
        raise DatasetError(what, where=where, fix="remove it: it has no UTF-8 form") from None
    return value


def _of_type(value: Any, field: pa.Field, where: str) -> Any:
    """A value of provenance, which may be null, but of no other type than its column's."""
    wanted = _KINDS.get(str(field.type))
    if value is None or wanted is None:
        return value
    if not wanted.fits(value):
        what = f"`{field.name}` must be {wanted.name}, not {value!r}"
        raise DatasetError(what, where=where, fix="write it as `cai generate` does, or leave the column out")
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str):
            _text(text, field.name, where)
    return float(value) if wanted is _NUMBER else value


def _probability(value: float | None, where: str) -> float:
    if value is None:
        return 1.0
    if not 0.5 <= value <= 1:
        fix = "exchange chosen and rejected where the other answer is the likelier one"
        raise DatasetError(f"p_chosen must be a number from 0.5 to 1, not {value!r}", where=where, fix=fix)
    return value
