"""The contract of a trainer's format: which data it takes, one row of ours to rows of its, and back.

A format knows no file and no folder: it turns plain values into plain values, and names the settings that its trainer
reads. Where the rows come from and how they are written is known in `rows.py` and `export.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import pyarrow as pa

FormatName = Literal["trl", "axolotl", "llamafactory", "openrlhf", "verl", "nemo-rl"]
What = Literal["sft", "preferences", "reward", "kto", "rl"]
Source = Literal["sft", "preferences", "prompts"]
SPLITS = ("train", "eval")

Row = Mapping[str, Any]
NewRow = dict[str, Any]
Turns = list[dict[str, str]]


class Place(NamedTuple):
    """Where a row will lie: its split, and its number in the table from 0."""

    split: str
    number: int


class CannotHold(ValueError):
    """A format has no way to say what is in a row; the text is the reason, the same for all such rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of data in one format.

    Args:
        source: Which rows of ours it is made of: those of a dataset, or the prompts of both, each once.
        write: The rows for one of ours, mostly one; raises `CannotHold`.
        back: The row of ours from one that `write` made; None where rows are not one to one.
        schema: Columns of a Parquet table; None for JSON lines.
        soft_label: What becomes of `p_chosen`, for people.
        note: What else people should know before they train on it.
    """

    source: Source
    write: Callable[[Row, Place], Iterable[NewRow]]
    back: Callable[[Row], NewRow] | None = None
    schema: pa.Schema | None = None
    soft_label: str = ""
    note: str = ""


Files = Mapping[What, Mapping[str, list[str]]]
"""What was written: for each kind of data the files of each split, relative to the folder of the export."""


class DatasetFormat(Protocol):
    """What one trainer reads."""

    name: ClassVar[FormatName]

    @property
    def tables(self) -> Mapping[What, Table]:
        """The kinds of data that the trainer takes."""
        ...

    def settings(self, files: Files) -> Mapping[str, str]:
        """Settings of the trainer that name these files, by file name.

        Paths in them are relative to the folder of the export.
        """
        ...
