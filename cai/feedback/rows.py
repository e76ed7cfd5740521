"""Rows of a file of feedback, whatever they mean: JSON lines, JSON, CSV and Parquet, with the place of each."""

from collections.abc import Iterator
from pathlib import Path

from cai.data.readers import READERS
from cai.data.rows import RawRow
from cai.errors import FeedbackError, PromptSourceError

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".csv.gz", ".parquet")
_BATCH_ROWS = 256


def rows_of(path: Path) -> Iterator[RawRow]:
    """The rows of a file as a stream, with every column.

    Raises:
        FeedbackError: The file is missing or malformed; says where.
    """
    suffix = suffix_of(path)
    try:
        yield from _parquet_rows(path) if suffix == ".parquet" else READERS[suffix](path)
    except PromptSourceError as error:
        raise FeedbackError(error.what, where=error.where, fix=error.fix) from None
    except OSError as error:
        fix = "name a file, not a folder" if path.is_dir() else "check the path and its permissions"
        what = "there is no such file" if isinstance(error, FileNotFoundError) else f"not readable: {error.strerror}"
        raise FeedbackError(what, where=str(path), fix=fix) from None


def suffix_of(path: Path) -> str:
    """The suffix by which a file is read.

    Raises:
        FeedbackError: It is not one of those that can be read.
    """
    name = path.name.lower()
    found = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), None)
    if found is None:
        what = f"feedback cannot be read from a {path.suffix or 'nameless'} file"
        raise FeedbackError(what, where=str(path), fix=f"use one of {', '.join(SUFFIXES)}")
    return found


def _parquet_rows(path: Path) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield RawRow(number, values)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        what = f"not readable as Parquet: {str(error).splitlines()[0]}"
        raise FeedbackError(what, where=str(path), fix="write the file again") from None
