"""The rows of one table into files, one set a split, in Parquet or JSON lines; what is left out is counted."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cai.data.formats.base import SPLITS, CannotHold, NewRow, Place, Row, Table
from cai.data.shards import ShardWriter
from cai.store.atomic import make_folder, reporting, sync_file

_LINE_ENDS = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}
"""JSON lets them stand in a text, but some readers of lines would end a row there."""


class TableCounts:
    """Rows written by split, rows left out by split and reason, and the files by split."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.left_out: dict[str, Counter[str]] = {}
        self.files: dict[str, list[str]] = {}


def write_table(table: Table, rows: Iterable[tuple[str, NewRow]], folder: Path) -> TableCounts:
    """Write the rows of a table below a folder, as a stream; a split without rows gets no file.

    Args:
        table: What to make of each row.
        rows: Rows of ours with their split.
        folder: Where the files go; it is made.

    Raises:
        DatasetError: A row is not usable.
        StorageError: A file cannot be written.
    """
    make_folder(folder)
    counts = TableCounts()
    with ExitStack() as stack:
        writers: dict[str, ShardWriter | JsonLines] = {}
        for split, row in rows:
            try:
                made = list(table.write(row, Place(split, counts.rows[split])))
            except CannotHold as reason:
                counts.left_out.setdefault(split, Counter())[str(reason)] += 1
                continue
            if split not in writers:
                writers[split] = _writer(table, folder, split)
                stack.enter_context(writers[split])
            for new in made:
                writers[split].add(new)
                counts.rows[split] += 1
        for split in SPLITS:
            if split in writers:
                names = [path.relative_to(folder.parent).as_posix() for path in writers[split].finish()]
                counts.files[split] = names
    return counts


def _writer(table: Table, folder: Path, split: str) -> "ShardWriter | JsonLines":
    return JsonLines(folder / f"{split}.jsonl") if table.schema is None else ShardWriter(folder, split, table.schema)


class JsonLines:
    """One JSON object a line, in UTF-8."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with reporting(path):
            self._stream = path.open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stream.close()

    def add(self, row: Row) -> None:
        with reporting(self._path):
            self._stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False).translate(_LINE_ENDS) + "\n")

    def finish(self) -> list[Path]:
        with reporting(self._path):
            self._stream.close()
            sync_file(self._path)
        return [self._path]
