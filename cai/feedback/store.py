"""What people said of a run, kept in RUN/feedback/judgements.db: apart from the journal and its AI labels.

SQLite, one transaction an import: a file is taken in whole or not at all, and memory does not grow with it. A
comparison is known by its content, and has at most one judgement of each person: who judges again, corrects.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from cai.errors import StorageError
from cai.feedback.content import Content
from cai.records import Message, Prompt
from cai.store.atomic import make_folder, reporting
from cai.store.lock import RunLock
from cai.store.run_dir import RunDir

STORE_VERSION = 1
APPLICATION_ID = 0x63616932
"""Marks a SQLite file as human feedback of this program ("cai2")."""

_TABLES = (
    "CREATE TABLE comparison (key TEXT PRIMARY KEY, a_hash TEXT NOT NULL, id TEXT NOT NULL, prompt_id TEXT NOT NULL,"
    " split TEXT NOT NULL, hazard TEXT, in_run INTEGER NOT NULL, prompt TEXT NOT NULL, response_a TEXT NOT NULL,"
    " response_b TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE judgement (key TEXT NOT NULL, annotator TEXT NOT NULL, named INTEGER NOT NULL, p_a REAL NOT NULL,"
    " rating_a REAL, rating_b REAL, note TEXT, file TEXT NOT NULL, number INTEGER NOT NULL,"
    " PRIMARY KEY (key, annotator)) WITHOUT ROWID",
    "CREATE TABLE review (id TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID",
)
_JOINED = (
    "SELECT c.key, c.a_hash, c.id, c.prompt_id, c.split, c.hazard, c.in_run, c.prompt, c.response_a, c.response_b,"
    " j.annotator, j.named, j.p_a, j.note FROM comparison c JOIN judgement j ON j.key = c.key"
)
_KEEP_REASON = (
    "INSERT INTO review VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
    " reason = CASE WHEN reason = 'random' THEN reason ELSE excluded.reason END"
)


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said; `named` is false where the file did not say who it was."""

    annotator: str
    named: bool
    p_a: float
    note: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that people said of one comparison. `in_run`: the run had this comparison when it was imported."""

    key: str
    a_hash: str
    id: str
    prompt_id: str
    split: str
    hazard: str | None
    in_run: bool
    prompt: tuple[Message, ...]
    response_a: str
    response_b: str
    votes: tuple[Vote, ...]

    @property
    def p_a(self) -> float:
        """The share of the votes for A, each tie half a vote: unbiased, however few they are."""
        return sum(vote.p_a for vote in self.votes) / len(self.votes)

    def p_for(self, a_hash: str) -> float:
        """The same for the answer with this hash."""
        return self.p_a if a_hash == self.a_hash else 1.0 - self.p_a


def rows_of(place: RunDir) -> Path:
    """The folder of its rows to train on; training looks there."""
    return folder_of(place) / "preferences"


def folder_of(place: RunDir) -> Path:
    """Where a run keeps what people say of it."""
    return place.path / "feedback"


class FeedbackStore:
    """The judgements of one run. Close it when done."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, place: RunDir) -> Self:
        """Open the store for writing, making it if it is not there.

        Raises:
            StorageError: It cannot be made, or is of another program or a newer version.
        """
        make_folder(folder_of(place))
        path = _path(place)
        return cls._checked(path, str(path))

    @classmethod
    def existing(cls, place: RunDir) -> Self | None:
        """Open the store of a run for reading; None if nobody has given feedback yet.

        Raises:
            StorageError: It cannot be read, or is of another program or a newer version.
        """
        path = _path(place)
        # Not `mode=ro`: what an import that was killed left half done must be rolled back first.
        return cls._checked(path, f"file:{quote(str(path.resolve()))}?mode=rw") if path.is_file() else None

    @classmethod
    def _checked(cls, path: Path, address: str) -> Self:
        with _translating(path):
            connection = sqlite3.connect(address, timeout=10, isolation_level=None, uri=address.startswith("file:"))
        store = cls(path, connection)
        try:
            with _translating(path):
                store._prepare()
        except BaseException:
            connection.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other imports out while judgements and the rows that follow from them are written.

        Raises:
            RunInUse: Another process imports into this run.
        """
        lock = RunLock.acquire(self.path.with_name("lock"))
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing.

        Raises:
            StorageError: SQLite fails, or another process writes.
        """
        with _translating(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def verdict(self, content: Content) -> Verdict | None:
        """What people said of a comparison with this content.

        Raises:
            StorageError: SQLite fails (as in every method here).
        """
        return next(self._verdicts("WHERE c.key = ?", content.key), None)

    def verdicts(self) -> Iterator[Verdict]:
        """What people said of every comparison, by prompt id, as a stream."""
        return self._verdicts("")

    def reasons(self) -> dict[str, str]:
        """Why comparisons were given out for review, by the id in the order of the run."""
        with _translating(self.path):
            return dict(self._connection.execute("SELECT id, reason FROM review"))

    def keep_reasons(self, reasons: dict[str, str]) -> None:
        """Note why comparisons are given out; what was once drawn at random stays so."""
        with self.transaction() as connection:
            connection.executemany(_KEEP_REASON, reasons.items())

    def _verdicts(self, condition: str, *values: Any) -> Iterator[Verdict]:
        statement = f"{_JOINED} {condition} ORDER BY c.prompt_id, c.key, j.annotator"
        with _translating(self.path):
            for row, lines in groupby(self._connection.execute(statement, values), key=lambda line: line[:10]):
                votes = tuple(Vote(line[10], bool(line[11]), line[12], line[13]) for line in lines)
                key, a_hash, id_, prompt_id, split, hazard, in_run, prompt, response_a, response_b = row
                known = (key, a_hash, id_, prompt_id, split, hazard, bool(in_run))
                yield Verdict(*known, messages_in(prompt), response_a, response_b, votes)

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and mark == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES:
                connection.execute(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {STORE_VERSION}")
            connection.execute("COMMIT")
        elif mark != APPLICATION_ID or version > STORE_VERSION:
            what = "this is no file of human feedback that this version of cai knows"
            raise StorageError(what, where=str(self.path), fix="move it away, or upgrade cai")


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that it holds, if it is there.

    Raises:
        StorageError: It could not be removed.
    """
    with reporting(folder):
        if folder.exists():
            shutil.rmtree(folder)


def forget(connection: sqlite3.Connection) -> None:
    """Remove every judgement, in the transaction of the caller; the reasons of reviews stay."""
    connection.execute("DELETE FROM judgement")
    connection.execute("DELETE FROM comparison")


def prompt_text(prompt: Prompt) -> str:
    """The messages of a prompt as the store keeps them."""
    return json.dumps([turn.to_dict() for turn in prompt.messages])


def messages_in(text: str) -> tuple[Message, ...]:
    """The inverse of `prompt_text`."""
    return tuple(Message(turn["role"], turn["content"]) for turn in json.loads(text))


def _path(place: RunDir) -> Path:
    return folder_of(place) / "judgements.db"


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in the block into a `StorageError` about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
        what = "another program is writing feedback to this run" if busy else f"the feedback cannot be used: {error}"
        fix = "wait until it has ended, then try again" if busy else "check the disk; import the files again if needed"
        raise StorageError(what, where=str(path), fix=fix) from error
