"""Parquet files of one split, written as a stream: a row group in memory at most, the same bytes for the same rows."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from cai.store.atomic import reporting, sync_file

ROWS_PER_GROUP = 1_000
ROWS_PER_SHARD = 100_000


class ShardWriter:
    """Writes `{split}-00000-of-0000N.parquet` into a folder that nobody reads yet.

    The number of shards is known only at the end, so they get their names in `finish`. Neither times nor names of
    this machine go into a file.

    Args:
        folder: An existing folder.
        split: First part of the file names.
        schema: Columns and their order.
        rows_per_shard: Rows in a file; a multiple of `ROWS_PER_GROUP` fills every row group.
    """

    def __init__(self, folder: Path, split: str, schema: pa.Schema, rows_per_shard: int = ROWS_PER_SHARD) -> None:
        self._folder = folder
        self._split = split
        self._schema = schema
        self._rows_per_shard = rows_per_shard
        self._pending: list[Mapping[str, Any]] = []
        self._in_shard = 0
        self._paths: list[Path] = []
        self._writer: Any = None
        self.rows = 0
        """Rows taken so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        # Only a failure leaves a file open here, and it says more than the close of a file that nobody will read.
        if self._writer is not None:
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._writer = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row.

        Raises:
            StorageError: A file could not be written.
        """
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) + self._in_shard == self._rows_per_shard:
            self._end_shard()
        elif len(self._pending) == ROWS_PER_GROUP:
            self._write_group()

    def finish(self, *, even_if_empty: bool = False) -> list[Path]:
        """Write what is left, sync every file and give each its final name.

        Args:
            even_if_empty: Write one file, which carries the schema, also when no row was added.

        Raises:
            StorageError: A file could not be written.
        """
        if self._pending or self._in_shard or (even_if_empty and not self.rows):
            self._end_shard()
        final = []
        for index, path in enumerate(self._paths):
            name = f"{self._split}-{index:05d}-of-{len(self._paths):05d}.parquet"
            with reporting(path):
                final.append(path.rename(self._folder / name))
        return final

    def _write_group(self) -> None:
        if self._writer is None:
            path = self._folder / f"{self._split}-{len(self._paths):05d}.part"
            self._paths.append(path)
            with reporting(path):
                self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=3)
        # Readers take a file without row groups for empty, but some fail on a row group without rows.
        if self._pending:
            with reporting(self._paths[-1]):
                table = pa.Table.from_pylist(self._pending, schema=self._schema)
                self._writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        self._in_shard += len(self._pending)
        self._pending = []

    def _end_shard(self) -> None:
        self._write_group()
        with reporting(self._paths[-1]):
            writer, self._writer = self._writer, None
            writer.close()
            sync_file(self._paths[-1])
        self._in_shard = 0
