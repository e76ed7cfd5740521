"""Group commit: one thread owns the writing connection and commits what was put, a group at a time.

A group is at most `group_rows` units of work or `group_wait_s` seconds, whichever comes first. Nothing here knows what
is written: a write is a list of SQL statements that stand or fall together with their group.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cai.errors import StorageError
from cai.store.schema import journal_error


class Write(NamedTuple):
    """Statements with their parameters, and the prompt id that they make known, if any.

    `work` is 1 for what was costly to make and 0 for what a restart reads again anyway. The latter does not fill a
    group, so that a resumed run gets through a million finished prompts with few commits.
    """

    statements: tuple[tuple[str, tuple[Any, ...]], ...]
    prompt_id: str | None = None
    work: int = 1


class _Mark(NamedTuple):
    """Someone waits until the first `needed` writes are durable."""

    needed: int
    settle: Callable[[], None]


class GroupWriter:
    """Takes writes from an event loop, without blocking it, and makes them durable in the background.

    Args:
        connection: The one writing connection; from here on only this object uses it, and `close` closes it.
        path: The journal, for messages.
        group_rows: Most units of work in a transaction.
        group_wait_s: Longest time that a write waits for others to join it, in seconds.
        capacity: Writes that may wait; beyond that `put` waits, so that memory cannot grow while the disk is slow.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        group_rows: int = 64,
        group_wait_s: float = 0.2,
        capacity: int = 1024,
    ) -> None:
        self._connection = connection
        self._path = path
        self._group_rows = group_rows
        self._group_wait_s = group_wait_s
        self._capacity = capacity
        self._changed = threading.Condition()
        self._queue: deque[Write] = deque()
        self._queued_work = 0
        self._marks: list[_Mark] = []
        self._waiters: list[Callable[[], None]] = []
        self._put_count = 0
        self._done_count = 0
        self._closing = False
        self._error: StorageError | None = None
        self.commits = 0
        """Transactions committed so far."""
        self.pending_prompts: set[str] = set()
        """Prompt ids that were put and are perhaps not yet committed; never more than the queue and one group hold."""
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    async def put(self, write: Write) -> None:
        """Queue a write; waits only while the queue is full.

        Raises:
            StorageError: An earlier write failed, or the journal is closed; this write is lost.
        """
        while True:
            with self._changed:
                self._refuse_if_ended()
                if len(self._queue) < self._capacity:
                    self._queue.append(write)
                    self._queued_work += write.work
                    self._put_count += 1
                    if len(self._queue) == 1 or self._group_is_full():
                        self._changed.notify_all()
                    return
                room, wake = _wakeable()
                self._waiters.append(wake)
            await room

    async def flush(self) -> None:
        """Wait until all that was put before is durable.

        Raises:
            StorageError: A write failed; what was not committed is lost.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._done_count == self._put_count:
                return
            done, wake = _wakeable()
            self._marks.append(_Mark(self._put_count, wake))
            self._changed.notify_all()
        await done
        with self._changed:
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Commit what waits, end the thread and close the connection; blocks for one commit at most after a flush.

        Raises:
            StorageError: A write failed, now or earlier.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _refuse_if_ended(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closing:
            raise StorageError("the journal is closed", where=str(self._path))

    def _group_is_full(self) -> bool:
        return self._queued_work >= self._group_rows or len(self._queue) >= self._capacity

    def _run(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._commit(group)
                self._settle(group)
        except Exception as error:
            # Whatever it is must reach the callers, who would wait for this thread for ever.
            self._fail(error)
        finally:
            try:
                self._connection.close()
            except sqlite3.Error as error:
                self._fail(error)

    def _next_group(self) -> list[Write] | None:
        """The writes of the next transaction; None when all is written and the journal is closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            deadline = time.monotonic() + self._group_wait_s
            while not self._group_is_full() and not self._marks and not self._closing:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            group = []
            work = 0
            while self._queue and work < self._group_rows:
                group.append(self._queue.popleft())
                work += group[-1].work
            self._queued_work -= work
            self._wake(self._waiters)
            return None if self._closing and not group else group

    def _commit(self, group: list[Write]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for write in group:
                for statement, parameters in write.statements:
                    execute(statement, parameters)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        self.commits += 1

    def _settle(self, group: list[Write]) -> None:
        with self._changed:
            self._done_count += len(group)
            self.pending_prompts.difference_update(w.prompt_id for w in group if w.prompt_id is not None)
            due = [mark.settle for mark in self._marks if mark.needed <= self._done_count]
            self._marks = [mark for mark in self._marks if mark.needed > self._done_count]
            self._wake(due)

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = self._error or journal_error(error, self._path)
            self._queue.clear()
            self._wake([mark.settle for mark in self._marks])
            self._marks = []
            self._wake(self._waiters)

    @staticmethod
    def _wake(sleepers: list[Callable[[], None]]) -> None:
        for wake in sleepers:
            wake()
        sleepers.clear()


def _wakeable() -> tuple[asyncio.Future[None], Callable[[], None]]:
    """A future of the running loop, and a way to settle it from another thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not future.done():
            future.set_result(None)

    def wake() -> None:
        # A loop that was closed meanwhile has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)

    return future, wake
