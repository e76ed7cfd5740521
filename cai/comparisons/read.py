"""Files of comparisons as streams, bad rows beside the good ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cai.comparisons.given import WANTED, Given, given_of
from cai.data.readers import READERS
from cai.data.rows import RawRow
from cai.errors import PromptSourceError


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no comparison, and why."""

    number: int
    error: PromptSourceError


SUFFIXES = tuple(suffix for suffix in READERS if not suffix.startswith(".txt"))


def read(path: Path, limit: int | None = None) -> Iterator[Given | BadRow]:
    """The rows of a file, in its order.

    Args:
        path: JSON lines, JSON, CSV or Parquet.
        limit: Take at most this many rows.

    Raises:
        PromptSourceError: The file cannot be read, or not as what its name says.
    """
    suffix = _format_of(path)
    flat = suffix.startswith(".csv")
    for row in islice(_rows(path, suffix), limit):
        try:
            yield given_of(row, str(path), path.name, flat=flat)
        except PromptSourceError as error:
            yield BadRow(row.number, error)


def count(path: Path, limit: int | None = None) -> int:
    """How many rows a file has, each of which was looked at once.

    Raises:
        PromptSourceError: The file cannot be read, or not one row of it is a comparison; then the first row says why.
    """
    rows = usable = 0
    first: PromptSourceError | None = None
    for row in read(path, limit):
        rows += 1
        usable += isinstance(row, Given)
        if isinstance(row, BadRow) and first is None:
            first = row.error
    if not usable:
        raise first or PromptSourceError("the file holds no comparison", where=str(path), fix=WANTED)
    return rows


def _rows(path: Path, suffix: str) -> Iterator[RawRow]:
    try:
        yield from READERS[suffix](path)
    except OSError as error:
        if path.is_dir():
            raise PromptSourceError("this is a folder, not a file", where=str(path), fix="name a file in it") from None
        what = "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise PromptSourceError(what, where=str(path), fix="check the path and its permissions") from None


def _format_of(path: Path) -> str:
    name = path.name.lower()
    suffix = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), None)
    if suffix is None:
        raise PromptSourceError(
            "comparisons cannot be read from such a file", where=str(path), fix=f"use one of {', '.join(SUFFIXES)}"
        )
    return suffix
