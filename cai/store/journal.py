"""The journal of a run: the one place to which finished work is written, and from which a run is resumed.

Reading is in `reader.py`, group commit in `group_writer.py`, the schema in `schema.py`. The journal knows records and
nothing of how they are made.
"""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cai.records import Outcome, Prompt, Split, Step
from cai.store.group_writer import GroupWriter, Write
from cai.store.lock import RunLock
from cai.store.reader import JournalReader
from cai.store.schema import connect_writer, translating

_ADD_PROMPT = (
    "INSERT INTO prompt (id, session, split) VALUES (?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET session = excluded.session, split = excluded.split"
)
# A body that has not changed is not written again: a resumed run reads every prompt once more.
_ADD_BODY = (
    "INSERT INTO prompt_body (id, body) VALUES (?, ?)"
    " ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE body <> excluded.body"
)
_ADD_DUPLICATE = "INSERT OR REPLACE INTO duplicate (session, place, record_id) VALUES (?, ?, ?)"
_ADD_STEP = "INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FINISH = "INSERT OR REPLACE INTO outcome (record_id, status, reason, plan) VALUES (?, ?, ?, ?)"
_SET_META = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
_BEGIN_SESSION = "INSERT INTO session (number, plan, started_at) VALUES (?, ?, ?)"
_END_SESSION = "UPDATE session SET ended_at = ? WHERE number = ?"


class Journal(JournalReader):
    """The writer of a run's journal; make it with `open`. Everything that `JournalReader` reads, it reads too.

    Writing methods are for one event loop. Each only queues its row, and waits only when a thousand rows wait already
    (a slow disk); a row is durable after the next `flush`, or by itself within about 200 ms. Reads see committed rows
    only. After a failed write nothing of its group is kept, and every later call, `flush` and `close` raise the
    `StorageError` that says why.
    """

    def __init__(self, path: Path, writer: GroupWriter, lock: RunLock) -> None:
        super().__init__(path)
        self._writer = writer
        self._lock = lock
        latest = self.latest_session()
        self._session = latest.number if latest else 0

    @classmethod
    def open(cls, path: Path, *, group_rows: int = 64, group_wait_s: float = 0.2) -> Self:
        """Open a journal for writing, making it if there is none, and lock its run directory.

        Args:
            path: The journal's file; the lock is the file `lock` beside it.
            group_rows: Most steps and outcomes in one transaction; prompts and duplicates join them for nothing, as
                a restart reads them again anyway.
            group_wait_s: Longest time until a row is committed, in seconds.

        Raises:
            RunInUse: Another process writes to this run.
            StorageError: The file is not a journal, is of a newer program, is damaged or cannot be written.
        """
        lock = RunLock.acquire(path.with_name("lock"))
        try:
            writer = GroupWriter(connect_writer(path), path, group_rows=group_rows, group_wait_s=group_wait_s)
            try:
                return cls(path, writer, lock)
            except BaseException:
                writer.close()
                raise
        except BaseException:
            lock.release()
            raise

    @staticmethod
    def read_only(path: Path) -> JournalReader:
        """Open a journal for reading, while a writer runs or not.

        Raises:
            StorageError: The file is absent, not a journal, of a newer program, or damaged.
        """
        return JournalReader(path)

    def __exit__(self, *raised: object) -> None:
        if raised[0] is None:
            self.close()
        else:
            # The block's own error says more than a failed close that follows from it.
            with contextlib.suppress(Exception):
                self.close()

    @property
    def commits(self) -> int:
        """Transactions committed since the journal was opened."""
        return self._writer.commits

    async def begin_session(self, plan: str) -> int:
        """Start a session under a plan and return its number, from 1; durable on return."""
        self._session += 1
        await self._put(_BEGIN_SESSION, self._session, plan, _now())
        await self.flush()
        return self._session

    async def end_session(self) -> None:
        """Note that the present session ended as it should; durable on return."""
        await self._put(_END_SESSION, _now(), self._session)
        await self.flush()

    async def add_prompt(self, prompt: Prompt, split: Split, session: int) -> bool:
        """Note that a prompt was read in a session; what was known of it is brought up to date.

        Returns:
            False if this session has read the prompt before: a duplicate, of which nothing is written.
        """
        known = self._writer.pending_prompts
        # In this order: a prompt that is no longer pending has been committed, so that the second look finds it.
        if prompt.id in known or self.session_of(prompt.id) == session:
            return False
        known.add(prompt.id)
        body = _json(prompt.to_dict())
        write = Write(((_ADD_PROMPT, (prompt.id, session, split)), (_ADD_BODY, (prompt.id, body))), prompt.id, work=0)
        try:
            await self._writer.put(write)
        except BaseException:
            known.discard(prompt.id)
            raise
        return True

    async def add_duplicate(self, place: str, record_id: str) -> None:
        """Note a place of the source (file:line) whose prompt the present session had read before."""
        await self._writer.put(Write(((_ADD_DUPLICATE, (self._session, place, record_id)),), work=0))

    async def add_step(self, step: Step) -> None:
        """Keep a step, in place of an earlier one with the same record, stage, round and attempt."""
        usage = step.usage
        await self._put(
            _ADD_STEP,
            *(step.record_id, step.stage, step.round, step.attempt, self._session, step.asked, step.status),
            *(usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens),
            _json(step.body),
        )

    async def finish(self, outcome: Outcome) -> None:
        """Keep how a record ended, in place of an earlier outcome. Put its steps first: the order is kept."""
        await self._put(_FINISH, outcome.record_id, outcome.status, outcome.reason, outcome.plan)

    async def set_meta(self, key: str, value: Any) -> None:
        """Keep a JSON-able value under a name."""
        await self._put(_SET_META, key, _json(value))

    async def flush(self) -> None:
        """Wait until all that was written before is durable.

        Raises:
            StorageError: A write failed; what was not committed is lost and owed again.
        """
        await self._writer.flush()

    def close(self) -> None:
        """Commit what waits and give the run directory back; safe to call twice. Quick after a `flush`.

        Raises:
            StorageError: A write failed, now or earlier.
        """
        try:
            with translating(self.path):
                super().close()
            self._writer.close()
        finally:
            self._lock.release()

    async def _put(self, statement: str, *parameters: Any) -> None:
        await self._writer.put(Write(((statement, parameters),)))


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate, which a server may send, has no UTF-8 form; escaped it comes back as it was.
        return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
