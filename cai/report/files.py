"""Reading the small JSON files that stages leave, with errors that name the file and what made it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cai.errors import StorageError
from cai.store import json_file
from cai.store.atomic import reporting

SCHEMA_VERSION = 1


def read_object(path: Path, made_by: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        StorageError: It cannot be read, is no JSON object, or has a format of another program.
    """
    row = json_file.read_object(path, _again(made_by))
    version = row.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        what = f"this has format {version}, and this program knows format {SCHEMA_VERSION}"
        raise StorageError(what, where=str(path), fix=_again(made_by))
    return row


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file of JSON lines, as a stream.

    A line that is no object is passed over: the process that wrote the file may have been killed in it.

    Raises:
        StorageError: The file cannot be read.
    """
    with reporting(path), path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


def number_in(row: dict[str, Any], key: str) -> float | None:
    """A number of a row; None if it is absent, null or something else."""
    value = row.get(key)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if fits else None


def text_in(row: dict[str, Any], key: str) -> str:
    """A text of a row; empty if it is absent."""
    value = row.get(key)
    return "" if value is None else str(value)


def rows_in(row: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list of a row; empty if there is none."""
    value = row.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _again(made_by: str) -> str:
    return f"run {made_by} again, then the report"
