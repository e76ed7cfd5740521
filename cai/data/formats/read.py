"""The way back: the rows of an export in our own columns, exactly as they went in."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cai.data.formats.base import FormatName, NewRow, Row, What
from cai.data.formats.build import FORMATS, build_format
from cai.data.formats.export import LIST
from cai.data.readers import jsonl_rows
from cai.errors import DatasetError, PromptSourceError
from cai.store.json_file import read_object


def read_back(folder: Path, what: What, split: str) -> Iterator[NewRow]:
    """The rows of one kind and split of an export, as a stream, in the columns of our datasets.

    Raises:
        DatasetError: There is no export, no such data in it, or a row is not as it was written.
        StorageError: The folder's list cannot be read.
    """
    listed = read_object(folder / LIST, fix="name a folder that `cai export` wrote")
    name: FormatName | None = listed.get("format")
    if name not in FORMATS:
        raise DatasetError("this is no list of an export", where=str(folder / LIST), fix="export again")
    table = build_format(name).tables.get(what)
    if table is None or table.back is None or what not in listed["tables"]:
        fix = f"it has {', '.join(listed['tables'])}"
        raise DatasetError(f"the rows of `{what}` cannot be read back from here", where=str(folder), fix=fix)
    for file in listed["tables"][what]["files"].get(split, []):
        for number, row in _rows(folder / file):
            try:
                yield table.back(row)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise DatasetError(
                    f"the row is not as it was written ({type(error).__name__}: {error})",
                    where=f"{folder / file}:{number}",
                    fix="export again",
                ) from None


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        if file.suffix == ".parquet":
            with pq.ParquetFile(file) as table:
                rows = (row for batch in table.iter_batches() for row in batch.to_pylist())
                yield from enumerate(rows, start=1)
        else:
            for row in jsonl_rows(file):
                yield row.number, row.values
    except (pa.ArrowException, PromptSourceError) as error:
        raise DatasetError(f"the file cannot be read: {error}", where=str(file), fix="export again") from None
    except FileNotFoundError:
        raise DatasetError("the file is missing", where=str(file), fix="export again") from None
