"""Shards: names, sizes, and what a failure leaves."""

import errno
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.data import shards
from cai.data.shards import ShardWriter
from cai.errors import StorageError

SCHEMA = pa.schema([("x", pa.int64())])


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, [0]), (1, [1]), (3, [3]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])]
)
def test_rows_fill_one_file_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(shards, "ROWS_PER_GROUP", 3)
    with ShardWriter(tmp_path, "eval", SCHEMA, rows_per_shard=4) as writer:
        for x in range(rows):
            writer.add({"x": x})
        paths = writer.finish(even_if_empty=True)
    assert [p.name for p in paths] == [f"eval-{i:05d}-of-{len(sizes):05d}.parquet" for i in range(len(sizes))]
    assert sorted(p.name for p in tmp_path.iterdir()) == [p.name for p in paths]
    tables = [pq.read_table(p) for p in paths]
    assert [t.num_rows for t in tables] == sizes
    assert pa.concat_tables(tables)["x"].to_pylist() == list(range(rows))


def test_an_empty_split_has_no_file_unless_asked(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "eval", SCHEMA) as writer:
        assert writer.finish() == []
    assert list(tmp_path.iterdir()) == []


def test_rows_are_written_in_groups_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS_PER_GROUP", 10)
    with ShardWriter(tmp_path, "train", SCHEMA) as writer:
        for x in range(95):
            writer.add({"x": x})
            assert len(writer._pending) < 10
        (path,) = writer.finish()
    assert pq.ParquetFile(path).metadata.num_row_groups == 10


def test_a_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(StorageError, match="no space left"), ShardWriter(tmp_path, "train", SCHEMA) as writer:
        writer.add({"x": 1})
        writer.finish()
