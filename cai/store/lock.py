"""One writer for a run directory: a lock of the operating system that says who holds it.

The lock is `flock` on a small file, so it vanishes with the process that held it, however that process ended. Nothing
here knows what the run directory holds.
"""

import fcntl
import json
import os
import socket
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cai.errors import RunInUse
from cai.store.atomic import reporting

_held: "weakref.WeakSet[RunLock]" = weakref.WeakSet()


def _forget_in_child() -> None:
    """A forked child must not keep the lock alive after its parent was killed: close its copy of the handle."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_forget_in_child)


class RunLock:
    """An exclusive lock on one file, held from `acquire` until `release` or the end of the process."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Take the lock at once or not at all.

        Raises:
            RunInUse: Another process, or another part of this one, holds it.
            StorageError: The lock file cannot be written.
        """
        with reporting(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 4096, 0)
            os.close(handle)
            raise RunInUse(
                f"{_named(holder)} is writing to this run",
                where=str(path.parent),
                fix="wait until it has ended or stop it, then try again",
            ) from None
        lock = cls(handle)
        _held.add(lock)
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with reporting(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(about).encode(), 0)
        return lock

    def release(self) -> None:
        """Give the lock back; safe to call twice. The file stays: removing it could take another's lock away."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def seems_held(path: Path) -> bool:
    """Whether the process that last took the lock still runs, for those who only look: nothing is locked for it.

    A process on another machine counts as ended: from here it cannot be seen.
    """
    try:
        about = json.loads(path.read_bytes())
        if about["host"] != socket.gethostname():
            return False
        os.kill(about["pid"], 0)
    except PermissionError:
        # It runs, under another user.
        return True
    except (OSError, OverflowError, ValueError, KeyError, TypeError):
        return False
    return True


def _named(holder: bytes) -> str:
    try:
        about = json.loads(holder)
        return f"process {about['pid']} on {about['host']} (since {about['started_at']})"
    except (ValueError, KeyError, TypeError):
        # The holder has the lock but has not yet written its name.
        return "another process"
