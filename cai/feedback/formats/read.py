"""Which format a file has, and its entries."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cai.errors import FeedbackError
from cai.feedback.columns import Columns
from cai.feedback.formats import annotated_pairs, argilla, chosen, flat, label_studio
from cai.feedback.judgement import Entry
from cai.feedback.rows import rows_of, suffix_of

Reader = Callable[[Path, Columns], Iterator[Entry]]

FORMATS: dict[str, Reader] = {
    "jsonl": flat.read,
    "csv": flat.read,
    "hh-rlhf": chosen.read,
    "label-studio": label_studio.read,
    "argilla": argilla.read,
    "annotated-pairs": annotated_pairs.read,
}
"""Readers by the name of the format. `jsonl` and `csv` are our own columns in whichever kind of file."""

_HEAD = 4096


def format_of(path: Path) -> str:
    """The format of a file, from its first row.

    Raises:
        FeedbackError: The file cannot be read, or holds nothing.
    """
    suffix = suffix_of(path)
    if suffix == ".json" and _begins_with(path, "{"):
        return "annotated-pairs"
    row = next(rows_of(path), None)
    if row is None:
        raise FeedbackError("the file holds no row", where=str(path), fix="check that it is the right file")
    return _format_of_row(row.values) or ("csv" if suffix.startswith(".csv") else "jsonl")


def entries(path: Path, name: str, columns: Columns) -> Iterator[Entry]:
    """The entries of a file in the format of this name.

    Raises:
        FeedbackError: There is no such format, or the file or a row is malformed; says where.
    """
    if name not in FORMATS:
        fix = f"use auto, {', '.join(FORMATS)}"
        raise FeedbackError(f"there is no format {name!r}", where="--format", fix=fix)
    return FORMATS[name](path, columns)


def _format_of_row(values: Mapping[str, Any]) -> str | None:
    if {"data", "annotations"} <= set(values):
        return "label-studio"
    if isinstance(values.get("fields"), Mapping) and "responses" in values:
        return "argilla"
    if any(name.endswith(".responses") or argilla.is_first_version(value) for name, value in values.items()):
        return "argilla"
    return "hh-rlhf" if {"chosen", "rejected"} <= set(values) else None


def _begins_with(path: Path, mark: str) -> bool:
    """Whether the first thing in a JSON file is this mark; a file that cannot be read is for its reader to explain."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            return stream.read(_HEAD).lstrip().startswith(mark)
    except OSError:
        return False
