"""Stops a command in the middle of its work: real processes, real signals."""

import signal
import subprocess
import time
from collections.abc import Callable
from typing import Protocol

import pytest

PATIENCE_S = 120.0


class Stoppable(Protocol):
    """A command whose engine notes each call in a file."""

    def start(self, latency_s: float) -> "subprocess.Popen[str]": ...

    def called(self) -> int: ...


@pytest.fixture(scope="session")
def stop_at() -> Callable[[Stoppable, int, signal.Signals], tuple[int, str]]:
    """Starts a command, waits until this many calls were made in all, sends a signal; exit code and stderr."""

    def stop(case: Stoppable, calls: int, how: signal.Signals) -> tuple[int, str]:
        process = case.start(0.02)
        end = time.monotonic() + PATIENCE_S
        while case.called() < calls:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.002)
        process.send_signal(how)
        _, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, err

    return stop
