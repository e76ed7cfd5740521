"""A process that ends a process group when whoever started it has gone. Run by its path; imports only what it needs.

On stdin it is given the group's number, then nothing more: that stdin ends is the sign. SIGTERM first, which a stage
does not outlive and of which an engine and Python's resource tracker make a tidy end; SIGKILL for what is left.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = 2.0


def end_group(group: int) -> None:
    """End every process of a group; returns when none is left, or soon after they were killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        # One that was stopped would never hear of it.
        os.killpg(group, signal.SIGCONT)
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)


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
