import gc

import pytest

from cai.errors import StorageError
from cai.near.duplicates import NearDuplicates
from cai.near.scratch import Scratch

TABLE = "CREATE TABLE t (x INTEGER PRIMARY KEY, y BLOB)"


def test_what_is_put_is_read_until_it_is_closed() -> None:
    scratch = Scratch(TABLE)
    assert scratch.put("INSERT INTO t (y) VALUES (?)", b"a") == 1
    scratch.put_all("INSERT INTO t (y) VALUES (?)", [(b"b",), (b"c",)])
    assert scratch.row("SELECT y FROM t WHERE x = ?", 2) == (b"b",)
    assert scratch.row("SELECT y FROM t WHERE x = ?", 9) is None
    assert list(scratch.rows("SELECT x FROM t")) == [(1,), (2,), (3,)]
    scratch.close()
    scratch.close()


def test_two_know_nothing_of_each_other() -> None:
    one, two = Scratch(TABLE), Scratch(TABLE)
    one.put("INSERT INTO t (y) VALUES ('a')")
    assert list(two.rows("SELECT * FROM t")) == []


def test_a_full_disk_is_said() -> None:
    scratch = Scratch(TABLE)
    scratch.put("PRAGMA max_page_count = 10")
    with pytest.raises(StorageError, match="database or disk is full") as caught:
        for _ in range(100):
            scratch.put("INSERT INTO t (y) VALUES (?)", b"x" * 4000)
    assert caught.value.fix and "SQLITE_TMPDIR" in caught.value.fix


def test_what_nobody_closes_is_closed_when_it_is_forgotten() -> None:
    scratch = Scratch(TABLE)
    closing = scratch._closing
    del scratch
    gc.collect()
    assert not closing.alive


def test_the_full_disk_of_an_index_is_said() -> None:
    with NearDuplicates() as texts:
        texts._scratch.put("PRAGMA max_page_count = 8")
        with pytest.raises(StorageError):
            for number in range(2000):
                texts.first_like(str(number), f"{number * 7919} {number * 104729} {number * 1299709}")
