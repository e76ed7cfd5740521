"""Real processes: what they print, how they end, and that nothing of them outlives the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cai.recipe.process import run_process

PATIENCE_S = 30.0
# Starts a process of its own that outlives it, and says which.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open(sys.argv[1], "w").write(str(child.pid))
{then}
"""
DRIVER = "import sys; from cai.recipe.process import run_process; print(run_process(sys.argv[1:]))"


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_for(path: Path) -> int:
    """The number in a file that a process is about to write."""
    end = time.monotonic() + PATIENCE_S
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return int(path.read_text())


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while alive(pid):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_it_prints_and_how_it_ends() -> None:
    ended = run_process(python("print('{}'); raise SystemExit(3)"))
    assert (ended.code, ended.stdout, ended.stopped_by) == (3, "{}\n", None)
    assert run_process(python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")).code == 137


def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    run_process(python(PARENT.format(then=""), tmp_path / "pid"))
    assert not alive(wait_for(tmp_path / "pid"))


def test_when_the_driver_is_killed_the_stage_and_its_children_end(tmp_path: Path) -> None:
    stage = python(PARENT.format(then="time.sleep(300)"), tmp_path / "pid")
    driver = subprocess.Popen(python(DRIVER, *stage), stdout=subprocess.DEVNULL)
    child = wait_for(tmp_path / "pid")
    family = [process.pid for process in psutil.Process(driver.pid).children(recursive=True)]
    assert child in family and len(family) == 3
    driver.kill()
    driver.wait()
    for pid in family:
        wait_until_gone(pid)


def test_shared_memory_of_a_killed_stage_is_removed(tmp_path: Path) -> None:
    stage = """
import sys, time
from multiprocessing.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=64)
open(sys.argv[1] + ".name", "w").write(memory.name)
open(sys.argv[1], "w").write("1")
time.sleep(300)
"""
    driver = subprocess.Popen(python(DRIVER, *python(stage, tmp_path / "ready")), stdout=subprocess.DEVNULL)
    wait_for(tmp_path / "ready")
    place = Path("/dev/shm") / (tmp_path / "ready.name").read_text()
    assert place.exists()
    driver.kill()
    driver.wait()
    end = time.monotonic() + PATIENCE_S
    while place.exists():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_once_and_waited_for(number: signal.Signals, tmp_path: Path) -> None:
    stage = f"""
import signal, sys, time
def leave(number, frame):
    print(number)
    sys.exit(5)
signal.signal({number}, leave)
open(sys.argv[1], "w").write("1")
time.sleep(300)
"""
    driver = subprocess.Popen(python(DRIVER, *python(stage, tmp_path / "ready")), stdout=subprocess.PIPE, text=True)
    wait_for(tmp_path / "ready")
    os.kill(driver.pid, number)
    out, _ = driver.communicate(timeout=PATIENCE_S)
    assert out == f"Ended(code=5, stdout='{int(number)}\\n', stopped_by={int(number)})\n"
    assert driver.returncode == 0


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    run_process(python(""))
    assert signal.getsignal(signal.SIGINT) is before
