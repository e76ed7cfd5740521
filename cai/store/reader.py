"""Reading a journal: beside a running writer or without one, in constant memory.

Every read sees what was committed when it began. Nothing here writes, checkpoints, or knows how rows become datasets.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from cai.records import Outcome, Prompt, Split, Step, Usage
from cai.store.schema import connect_reader, translating


class StepKey(NamedTuple):
    """What tells the steps of one record apart."""

    stage: str
    round: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Session:
    """One start of a run; `plan` is the fingerprint of what it was asked, times are ISO 8601 in UTC."""

    number: int
    plan: str
    started_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """All that the journal holds of one prompt; steps are ordered by stage, round and attempt."""

    prompt: Prompt
    split: Split
    outcome: Outcome | None
    steps: dict[StepKey, Step]


@dataclass(frozen=True, slots=True)
class Counts:
    """How the prompts of a session stand; `prompts == trajectories + filtered + failed + owed` always holds.

    `owed`: not finished, or finished under another plan than the session's. `duplicates` are places in the source
    whose prompt had been read before; they are not prompts. `filtered` and `failed` are by reason.
    """

    prompts: int = 0
    duplicates: int = 0
    trajectories: int = 0
    owed: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


_STEP_COLUMNS = "record_id, stage, round, attempt, asked, status, prompt_tokens, cached_tokens, generated_tokens, body"


class JournalReader:
    """A read-only view of a journal. Safe to use from several threads; close it when done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._reading = connect_reader(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._reading.close()

    def steps(self, record_id: str) -> dict[StepKey, Step]:
        """Every step of a record, done or failed.

        Raises:
            StorageError: The journal cannot be read (as in every method here).
        """
        rows = self._rows(_STEPS_OF_RECORD, record_id)
        return _keyed(rows)

    def outcome(self, record_id: str) -> Outcome | None:
        """How a record ended, under whichever plan; None if it never did."""
        rows = self._rows("SELECT status, reason, plan FROM outcome WHERE record_id = ?", record_id)
        return Outcome(record_id, *rows[0]) if rows else None

    def split(self, record_id: str) -> Split | None:
        """The split in which a prompt was when it was read last; None for an unknown prompt."""
        rows = self._rows("SELECT split FROM prompt WHERE id = ?", record_id)
        return rows[0][0] if rows else None

    def session_of(self, record_id: str) -> int | None:
        """The last session in which a prompt was read; None for an unknown prompt."""
        rows = self._rows("SELECT session FROM prompt WHERE id = ?", record_id)
        return int(rows[0][0]) if rows else None

    def meta(self, key: str) -> Any:
        """A value kept with `set_meta`; None if there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def sessions(self) -> list[Session]:
        """Every session, oldest first."""
        return [
            Session(*row) for row in self._rows("SELECT number, plan, started_at, ended_at FROM session ORDER BY 1")
        ]

    def latest_session(self) -> Session | None:
        """The session that was begun last; None before the first."""
        rows = self._rows("SELECT number, plan, started_at, ended_at FROM session ORDER BY number DESC LIMIT 1")
        return Session(*rows[0]) if rows else None

    def counts(self, session: int) -> Counts:
        """Count the prompts of a session by how they ended."""
        grouped = self._rows(
            "SELECT o.status, o.reason, COUNT(*) FROM prompt p LEFT JOIN outcome o ON o.record_id = p.id"
            " AND o.plan = (SELECT plan FROM session WHERE number = p.session)"
            " WHERE p.session = ? GROUP BY o.status, o.reason ORDER BY o.status, o.reason",
            session,
        )
        duplicates = self._rows("SELECT COUNT(*) FROM duplicate WHERE session = ?", session)
        by_status: dict[str | None, dict[str, int]] = {}
        for status, reason, count in grouped:
            by_status.setdefault(status, {})[reason or "no reason given"] = count
        return Counts(
            prompts=sum(count for *_, count in grouped),
            duplicates=duplicates[0][0],
            trajectories=sum(by_status.get("trajectory", {}).values()),
            owed=sum(by_status.get(None, {}).values()),
            filtered=by_status.get("filtered", {}),
            failed=by_status.get("failed", {}),
        )

    def usage(self, session: int | None = None) -> dict[str, Usage]:
        """Tokens by stage, of the steps that one session (or any) wrote and that were not replaced since."""
        rows = self._rows(
            "SELECT stage, SUM(prompt_tokens), SUM(cached_tokens), SUM(generated_tokens) FROM step"
            " WHERE ?1 IS NULL OR session = ?1 GROUP BY stage ORDER BY stage",
            session,
        )
        return {stage: Usage(*sums) for stage, *sums in rows}

    def outcomes(self, session: int) -> Iterator[Outcome]:
        """The outcomes of a session's prompts by prompt id, under whichever plan, as a stream."""
        with self._snapshot() as connection:
            for row in connection.execute(
                "SELECT o.record_id, o.status, o.reason, o.plan FROM prompt p JOIN outcome o ON o.record_id = p.id"
                " WHERE p.session = ? ORDER BY p.id",
                (session,),
            ):
                yield Outcome(*row)

    def record_ids(self, session: int, prefix: str = "", status: str | None = None, limit: int = -1) -> list[str]:
        """Ids of a session's prompts, in order, that begin with `prefix` and, if asked, ended so under its plan."""
        rows = self._rows(
            "SELECT p.id FROM prompt p LEFT JOIN outcome o ON o.record_id = p.id"
            " AND o.plan = (SELECT plan FROM session WHERE number = ?1)"
            " WHERE p.session = ?1 AND substr(p.id, 1, length(?2)) = ?2 AND (?3 IS NULL OR o.status = ?3)"
            " ORDER BY p.id LIMIT ?4",
            session,
            prefix,
            status,
            limit,
        )
        return [row[0] for row in rows]

    def record(self, record_id: str) -> JournalRecord | None:
        """Everything about one prompt; None if it is unknown."""
        with self._snapshot() as connection:
            row = connection.execute(f"{_RECORDS} WHERE p.id = ?", (record_id,)).fetchone()
            return _record(connection, row) if row else None

    def records(self, session: int) -> Iterator[JournalRecord]:
        """Everything about the prompts read in a session, by prompt id, as a stream of one moment.

        While the stream is open the write-ahead log of a running writer cannot shrink, so read it to its end.
        """
        with self._snapshot() as connection:
            for row in connection.execute(f"{_RECORDS} WHERE p.session = ? ORDER BY p.id", (session,)):
                yield _record(connection, row)

    def _rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self._guard, translating(self.path):
            return self._reading.execute(statement, parameters).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own, in one read transaction, so that all its statements see the same moment."""
        connection = connect_reader(self.path)
        try:
            with translating(self.path):
                connection.execute("BEGIN")
                yield connection
        finally:
            connection.close()


_STEPS_OF_RECORD = f"SELECT {_STEP_COLUMNS} FROM step WHERE record_id = ? ORDER BY stage, round, attempt"  # noqa: S608


_RECORDS = (
    "SELECT p.id, p.split, o.status, o.reason, o.plan, b.body FROM prompt p"
    " JOIN prompt_body b ON b.id = p.id LEFT JOIN outcome o ON o.record_id = p.id"
)


def _record(connection: sqlite3.Connection, row: tuple[Any, ...]) -> JournalRecord:
    record_id, split, status, reason, plan, body = row
    return JournalRecord(
        prompt=Prompt.from_dict(json.loads(body)),
        split=split,
        outcome=None if status is None else Outcome(record_id, status, reason, plan),
        steps=_keyed(connection.execute(_STEPS_OF_RECORD, (record_id,)).fetchall()),
    )


def _keyed(rows: list[tuple[Any, ...]]) -> dict[StepKey, Step]:
    steps = {}
    for record_id, stage, round_, attempt, asked, status, prompt, cached, generated, body in rows:
        usage = Usage(prompt, cached, generated)
        steps[StepKey(stage, round_, attempt)] = Step(
            record_id, stage, round_, attempt, asked, status, json.loads(body), usage
        )
    return steps
