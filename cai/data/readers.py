"""Rows out of files, one reader a format, as streams with line or row numbers. It knows no prompts.

`READERS` has them by suffix; `rows` takes the one that a path asks for.

Only JSON, CSV, Parquet and plain text are read; nothing that could run code (pickle) ever is.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from cai.data.rows import RawRow
from cai.errors import PromptSourceError

_BATCH_ROWS = 256
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Pick = Callable[[Sequence[str]], Sequence[str]]


def text_rows(path: Path) -> Iterator[RawRow]:
    """One prompt a line; blank lines are skipped."""
    for number, line in _lines(path):
        text = line.rstrip("\r\n")
        if text.strip():
            yield RawRow(number, {"prompt": text})


def jsonl_rows(path: Path) -> Iterator[RawRow]:
    """One JSON object a line; blank lines are skipped."""
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _bad_json(error, f"{path}:{number}", "each line must be one JSON object") from None
        yield _object(value, number, path)


def json_rows(path: Path) -> Iterator[RawRow]:
    """A JSON list of objects. It is read as a whole: use JSON lines for files that do not fit into memory."""
    text = "".join(line for _, line in _lines(path))
    if not text.strip():
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"{path}:{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else str(path)
        raise _bad_json(error, place, "the file must be one JSON list; for one object a line use .jsonl") from None
    if not isinstance(value, list):
        raise PromptSourceError(
            "the file must hold a JSON list of objects", where=str(path), fix="put [ and ] around, or use .jsonl"
        )
    for number, item in enumerate(value, start=1):
        yield _object(item, number, path)


def csv_rows(path: Path) -> Iterator[RawRow]:
    """CSV with a header. A row's number is the physical line on which it begins."""
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise PromptSourceError(
                f"not readable as CSV: {error}", where=f"{path}:{number}", fix="check the quotes of this row"
            ) from None
        if fields is None:
            return
        if not fields:
            continue
        if header is None:
            header = [field.strip() for field in fields]
            continue
        if len(fields) != len(header):
            raise PromptSourceError(
                f"the row has {len(fields)} fields and the header {len(header)}",
                where=f"{path}:{number}",
                fix='put fields that hold commas or line breaks into "quotes"',
            )
        yield RawRow(number, dict(zip(header, fields, strict=True)))


def parquet_rows(path: Path, pick: Pick | None = None) -> Iterator[RawRow]:
    """Rows of a Parquet file, read a batch at a time.

    Args:
        path: The file.
        pick: Chooses among the names of all columns those that are read; by default all are.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = pick(file.schema_arrow.names) if pick else None
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield RawRow(number, values)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise PromptSourceError(
            f"not readable as Parquet: {str(error).splitlines()[0]}", where=str(path), fix="write the file again"
        ) from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Physical lines with their ends, decoded one by one so that a wrong byte has a line number."""
    opened = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with cast(IO[bytes], opened(path, "rb")) as stream:
            for number, line in enumerate(stream, start=1):
                data = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
                yield number, data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PromptSourceError(
            f"not UTF-8 (byte {error.start + 1} of the line is 0x{error.object[error.start]:02x})",
            where=f"{path}:{number}",
            fix="save the file as UTF-8",
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PromptSourceError(
            f"the compressed file is damaged or cut short: {error}", where=str(path), fix="copy or download it again"
        ) from None


def _object(value: Any, number: int, path: Path) -> RawRow:
    if not isinstance(value, dict):
        raise PromptSourceError(
            "a row must be a JSON object", where=f"{path}:{number}", fix='write it as {"prompt": "..."}'
        )
    return RawRow(number, value)


def _bad_json(error: Exception, where: str, fix: str) -> PromptSourceError:
    said = error.msg if isinstance(error, json.JSONDecodeError) else str(error) or type(error).__name__
    column = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return PromptSourceError(f"not readable as JSON: {said}{column}", where=where, fix=fix)


READERS: dict[str, Callable[[Path], Iterator[RawRow]]] = {
    ".jsonl": jsonl_rows,
    ".json": json_rows,
    ".csv": csv_rows,
    ".parquet": parquet_rows,
    ".txt": text_rows,
    ".jsonl.gz": jsonl_rows,
    ".csv.gz": csv_rows,
    ".txt.gz": text_rows,
}
"""Readers by suffix of the file."""
