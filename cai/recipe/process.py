"""Runs a stage as a process of its own, which never outlives the one that started it.

The stage leads a process group, so that a signal of the terminal reaches it only through us, once. A guard waits on a
pipe that the system closes when we end, however we end, and then ends what is left of the group: the stage, and what it
has started, such as an engine.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

from cai.recipe import guard

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(NamedTuple):
    """How a process ended: its exit code (128 + n after signal n), what it printed, the signal that we passed on."""

    code: int
    stdout: str
    stopped_by: int | None


def run_process(command: Sequence[str]) -> Ended:
    """Run a command to its end; its stderr is ours, its stdout is kept, SIGINT, SIGTERM and SIGHUP are passed on.

    Must be called from the main thread, which alone may set handlers of signals.
    """
    # Not a pipe: something that outlives the stage could keep that open for ever.
    with tempfile.TemporaryFile() as stdout:
        with _guarded() as pipe:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, process_group=0)  # noqa: S603
            pipe.write(f"{process.pid}\n".encode())
            pipe.flush()
            with _passing_on(process.pid) as passed:
                code = process.wait()
        stdout.seek(0)
        text = stdout.read().decode("utf-8", "replace")
    return Ended(code if code >= 0 else 128 - code, text, passed[-1] if passed else None)


@contextmanager
def _guarded() -> Iterator[IO[bytes]]:
    """The pipe that the guard waits on; when it is closed, also by an error, whatever is left of the group ends."""
    command = [sys.executable, "-I", "-S", str(Path(guard.__file__))]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, start_new_session=True
    )
    assert process.stdin is not None
    try:
        yield process.stdin
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()


@contextmanager
def _passing_on(pid: int) -> Iterator[list[int]]:
    """Send signals that we get to a process; gives those that came."""
    passed: list[int] = []

    def send(number: int, frame: FrameType | None) -> None:
        passed.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    before = {number: signal.signal(number, send) for number in _FORWARDED}
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
