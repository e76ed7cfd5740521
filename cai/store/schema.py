"""The journal's SQLite schema, how connections are opened, and what SQLite's errors mean to a user.

Nothing here knows the pipeline. Columns that are summed or compared come before the long JSON bodies, so that SQLite
need not read a body's overflow pages to reach them; the tables that a resumed run looks up for every prompt are small.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from cai.errors import StorageError

JOURNAL_VERSION = 1
APPLICATION_ID = 0x63616931
"""Marks a SQLite file as a journal of this program ("cai1")."""

WRITER_PRAGMAS: tuple[str, ...] = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # The write-ahead log grows while a long read holds a snapshot; give the space back afterwards (bytes).
    "PRAGMA journal_size_limit = 67108864",
)

_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE session (number INTEGER PRIMARY KEY, plan TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT)",
    "CREATE TABLE prompt (id TEXT PRIMARY KEY, session INTEGER NOT NULL, split TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE prompt_body (id TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE duplicate (session INTEGER NOT NULL, place TEXT NOT NULL, record_id TEXT NOT NULL,"
    " PRIMARY KEY (session, place)) WITHOUT ROWID",
    "CREATE TABLE outcome (record_id TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT, plan TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE step (record_id TEXT NOT NULL, stage TEXT NOT NULL, round INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, session INTEGER NOT NULL, asked TEXT NOT NULL, status TEXT NOT NULL,"
    " prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, generated_tokens INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (record_id, stage, round, attempt))",
)

_MEANING = {
    "SQLITE_FULL": (
        "there is no space left on the disk",
        "free some space, then run the same command again; committed work is safe",
    ),
    "SQLITE_NOTADB": ("this is not a journal of cai", "choose another run directory"),
    "SQLITE_CORRUPT": ("the journal is damaged", "restore it from a copy, or start a new run in another directory"),
    "SQLITE_CANTOPEN": ("the journal cannot be opened", "check the path and its permissions"),
    "SQLITE_READONLY": ("the journal is read-only", "check who owns the folder and its permissions"),
    "SQLITE_BUSY": ("another program has locked the journal", "close it (a SQLite shell or browser), then run again"),
    "SQLITE_IOERR": ("the disk reports an input/output error", "check the disk and the system log, then run again"),
}


def journal_error(error: Exception, path: Path) -> StorageError:
    """Say in plain words what went wrong in the journal at `path`."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, (what, fix) in _MEANING.items():
        if name.startswith(prefix):
            return StorageError(what, where=str(path), fix=fix)
    what = f"the journal failed: {error or type(error).__name__}"
    return StorageError(what, where=str(path), fix="run again; if it stays, the journal may be damaged")


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in the block into a `StorageError` about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise journal_error(error, path) from error


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one writing connection, making the journal if the file is absent or empty.

    It may be used from any single thread. Only this connection checkpoints (SQLite before 3.51.3 can damage a file
    that two connections checkpoint at once).

    Raises:
        StorageError: The file is not a journal, is of a newer program, is damaged or cannot be written.
    """
    with translating(path):
        connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        with translating(path):
            if _is_blank(connection):
                _create(connection)
            else:
                _check(connection, path)
            for pragma in WRITER_PRAGMAS:
                connection.execute(pragma).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can neither write nor checkpoint; works beside a writer and without one.

    Raises:
        StorageError: The file is absent, not a journal, of a newer program, or damaged.
    """
    if not path.is_file():
        raise StorageError("there is no journal here", where=str(path), fix="check the path of the run directory")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        return _checked_reader(address, path)
    except StorageError as error:
        cause = error.__cause__
        wal = path.with_name(path.name + "-wal")
        # On a read-only medium SQLite cannot make its index of the log; without a log none is needed.
        if getattr(cause, "sqlite_errorname", None) == "SQLITE_CANTOPEN" and not (wal.exists() and wal.stat().st_size):
            return _checked_reader(f"{address}&immutable=1", path)
        raise


def _checked_reader(address: str, path: Path) -> sqlite3.Connection:
    with translating(path):
        connection = sqlite3.connect(address, uri=True, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        with translating(path):
            if _is_blank(connection):
                raise StorageError("the journal is still empty", where=str(path), fix="start the run first")
            _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_blank(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall() and not _pragma(
        connection, "user_version"
    )


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {JOURNAL_VERSION}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StorageError(
            "this is a SQLite file of another program, not a journal of cai",
            where=str(path),
            fix="choose another run directory",
        )
    version = _pragma(connection, "user_version")
    if version > JOURNAL_VERSION:
        raise StorageError(
            f"the journal has format {version}, this program knows only format {JOURNAL_VERSION}",
            where=str(path),
            fix="upgrade cai to the version that wrote it",
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
