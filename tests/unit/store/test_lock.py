"""One writer for a run: the lock names its holder and dies with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cai.errors import RunInUse
from cai.store.lock import RunLock

HOLD = """
import sys
from pathlib import Path
from cai.store.lock import RunLock
lock = RunLock.acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""

HOLD_AND_FORK = """
import os, sys
from pathlib import Path
from cai.store.lock import RunLock
lock = RunLock.acquire(Path(sys.argv[1]))
if os.fork() == 0:
    # The child speaks, so that whoever reads this knows that it is past the fork and its handlers.
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


def start(code: str, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_the_second_writer_learns_who_the_first_is(tmp_path: Path) -> None:
    with start(HOLD, tmp_path / "lock") as holder:
        assert holder.stdout and holder.stdin
        holder.stdout.readline()
        with pytest.raises(RunInUse) as caught:
            RunLock.acquire(tmp_path / "lock")
        assert f"process {holder.pid} on {os.uname().nodename}" in caught.value.what
        assert caught.value.exit_code == 6
        holder.stdin.close()
    RunLock.acquire(tmp_path / "lock").release()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    with start(HOLD, tmp_path / "lock") as holder:
        assert holder.stdout
        holder.stdout.readline()
        holder.kill()
    RunLock.acquire(tmp_path / "lock").release()


def test_a_forked_child_does_not_keep_the_lock_of_its_killed_parent(tmp_path: Path) -> None:
    holder = start(HOLD_AND_FORK, tmp_path / "lock")
    assert holder.stdout and holder.stdin
    child = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    try:
        os.kill(child, 0)
        RunLock.acquire(tmp_path / "lock").release()
    finally:
        holder.stdin.close()
        holder.stdout.close()


def test_a_second_lock_in_the_same_process_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    first = RunLock.acquire(tmp_path / "lock")
    with pytest.raises(RunInUse, match=f"process {os.getpid()} "):
        RunLock.acquire(tmp_path / "lock")
    first.release()
    first.release()
    RunLock.acquire(tmp_path / "lock").release()


def test_a_holder_that_has_not_yet_written_its_name_is_called_another_process(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path / "lock")
    (tmp_path / "lock").write_text("")
    with pytest.raises(RunInUse, match="another process"):
        RunLock.acquire(tmp_path / "lock")
    lock.release()
