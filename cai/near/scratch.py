"""A private SQLite database for what is too much for memory: it spills to a temporary file, and is gone when closed."""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from cai.errors import StorageError

_PRAGMAS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN")


class Scratch:
    """Tables for one thread at a time. Nothing in them outlives the object, nor a kill.

    Every method raises `StorageError` if there is no space for the temporary file.
    """

    def __init__(self, *tables: str, cache_kib: int = 2048) -> None:
        """Make the tables.

        Args:
            tables: Statements that make them.
            cache_kib: Memory that is used before the file is.
        """
        # The empty name is a temporary file, which SQLite makes when the cache is full.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._closing = weakref.finalize(self, self._connection.close)
        for statement in (f"PRAGMA cache_size = -{cache_kib}", *_PRAGMAS, *tables):
            self.put(statement)

    def close(self) -> None:
        """Forget everything; safe to call twice."""
        self._closing()

    def put(self, statement: str, *values: Any) -> int:
        """Run a statement that writes; returns the number of the row that it inserted last."""
        try:
            return self._connection.execute(statement, values).lastrowid or 0
        except sqlite3.OperationalError as error:
            raise _explained(error) from error

    def put_all(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement for each row of values."""
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            raise _explained(error) from error

    def rows(self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """What a statement selects, as a stream."""
        try:
            yield from self._connection.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise _explained(error) from error

    def row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of what a statement selects."""
        return next(self.rows(statement, *values), None)


def _explained(error: sqlite3.OperationalError) -> StorageError:
    return StorageError(
        f"the temporary files in which texts are compared cannot be written or read: {error}",
        where="temporary files of SQLite",
        fix="free some space, or let SQLITE_TMPDIR name a folder that has more",
    )
