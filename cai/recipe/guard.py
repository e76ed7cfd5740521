"""A process that ends a process group when whoever started it has gone. Run by its path; imports only what it needs.

On stdin it is given the group's number, then nothing more: that stdin ends is the sign. All are killed at once but
Python's resource tracker, which then removes the shared memory that the others have left, and ends.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

GRACE_S = 5.0
_TRACKER = b"multiprocessing.resource_tracker"


def members(group: int) -> Iterator[int]:
    """The living processes of a group."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            # Its command may hold spaces and brackets; behind it come state, parent and group.
            fields = _read(place / "stat").rpartition(b")")[2].split()
            if len(fields) > 2 and fields[0] not in (b"Z", b"X") and int(fields[2]) == group:
                yield int(place.name)


def end_group(group: int) -> None:
    """End every process of a group; when this returns none is left, but for one that the system does not let end."""
    begun = time.monotonic()
    while (left := list(members(group))) and time.monotonic() < begun + 2 * GRACE_S:
        late = time.monotonic() > begun + GRACE_S
        for pid in left:
            if late or _TRACKER not in _read(Path(f"/proc/{pid}/cmdline")):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _read(path: Path) -> bytes:
    """A file of the system; empty if its process has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def main() -> None:
    """Wait for the end of stdin, then end the group."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = sys.stdin.readline()
    sys.stdin.read()
    if group.strip():
        end_group(int(group))


if __name__ == "__main__":
    main()
