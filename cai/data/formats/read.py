"""The way back: the rows of an export in our own columns, exactly as they went in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from cai.data.formats.base import FormatName, NewRow, Row, What
from cai.data.formats.build import build_format
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
    rows = _listed_rows(listed, what, split)
    names: tuple[FormatName, ...] = get_args(FormatName)
    table = next((build_format(name).tables.get(what) for name in names if name == listed.get("format")), None)
    if table is None or table.back is None or rows is None:
        fix = "name SFT, preference or reward data that the list in it names"
        raise DatasetError(f"the rows of `{what}` cannot be read back from here", where=str(folder), fix=fix)
    number = 0
    for file in _files(folder / what, split, parquet=table.schema is not None) if rows else []:
        for row in _rows(file):
            number += 1
            try:
                yield table.back(row)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                said = f"row {number} is not as it was written ({type(error).__name__}: {error})"
                raise DatasetError(said, where=str(file), fix="export again") from None
    if number != rows:
        said = f"{number} rows of `{what}`, {split}, are here, and the list says {rows}"
        raise DatasetError(said, where=str(folder), fix="export again")


def _listed_rows(listed: Mapping[str, Any], what: What, split: str) -> int | None:
    """How many rows a split has; None if the list does not know the kind of data, or is none of ours."""
    try:
        return int(listed["tables"][what]["rows"].get(split, 0))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _files(folder: Path, split: str, *, parquet: bool) -> list[Path]:
    """The files of a split, by the names that we give; those in the list are not followed, as it may be anyone's."""
    return sorted(folder.glob(f"{split}-*.parquet")) if parquet else [folder / f"{split}.jsonl"]


def _rows(file: Path) -> Iterator[Row]:
    try:
        if file.suffix == ".parquet":
            with pq.ParquetFile(file) as table:
                for batch in table.iter_batches():
                    yield from batch.to_pylist()
        else:
            yield from (row.values for row in jsonl_rows(file))
    except (pa.ArrowException, PromptSourceError) as error:
        raise DatasetError(f"the file cannot be read: {error}", where=str(file), fix="export again") from None
    except FileNotFoundError:
        raise DatasetError("the file is missing", where=str(file), fix="export again") from None
