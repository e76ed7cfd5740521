"""The display of a run, as text for a terminal and as lines, from counters; nothing here waits for time to pass."""

import io
import os
import select
import threading
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from cai.cli import progress
from cai.cli.output import OutputClosed
from cai.cli.progress import duration, line, time_left_s, view, watching
from cai.pipeline.stats import RunStats
from cai.records import Usage


def at_work(**changes: object) -> RunStats:
    """Ten of forty records in 100 seconds; the clock stands, as `working_since` lies in the past by just that."""
    stats = RunStats(total=40, phase="generating", finished=9, failed=1, in_flight=4, usage=Usage(2000, 1500, 5000))
    stats.steps.update({"draft": 14, "critique": 25, "revision": 22, "label": 9})
    stats.working_since = time.monotonic() - 100
    for name, value in changes.items():
        setattr(stats, name, value)
    return stats


def text_of(stats: RunStats, width: int = 80) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width, color_system=None).print(view(stats))
    return screen.getvalue()


def test_a_line_has_records_stages_rate_cache_failures_and_time_left() -> None:
    assert line(at_work()) == (
        "generating: 10/40 records, 14 draft, 25 critique, 22 revision, 9 label, 50 tokens/s, cache 75%, 1 failed, "
        "4 min 10 s left"
    )


def test_the_view_says_the_same_and_fits_a_narrow_terminal() -> None:
    shown = text_of(at_work(duplicates=1, skipped=2))
    assert "generating" in shown and "13/40 records" in shown and "left" in shown and "━" in shown
    assert "  draft 14  critique 25  revision 22  label 9\n" in shown
    for words in ("50 tokens/s", "cache hits 75%", "4 in flight", "1 failed", "1 duplicates", "2 finished earlier"):
        assert words in " ".join(shown.split())
    assert all(len(row) <= 80 for row in shown.splitlines())


@pytest.mark.parametrize("show", [line, text_of])
def test_before_the_engine_is_up_there_is_the_phase_alone(show: object) -> None:
    stats = RunStats(started=time.monotonic() - 65)
    assert show(stats).strip() == "starting the engine ... 1 min 05 s"  # type: ignore[operator]
    stats.total = 40
    assert show(stats).strip() == "starting the engine ... 1 min 05 s"  # type: ignore[operator]


def test_a_run_that_had_nothing_to_do_shows_no_rate_and_no_time() -> None:
    stats = RunStats(total=3, phase="writing the datasets", skipped=3)
    assert line(stats) == "writing the datasets: 3/3 records, cache -"
    assert "tokens/s" not in text_of(stats)


def test_time_left_is_unknown_until_a_record_is_finished() -> None:
    assert time_left_s(at_work(finished=0, failed=0)) is None
    assert time_left_s(at_work(total=None)) is None
    assert time_left_s(at_work()) == pytest.approx(250, abs=1)
    assert time_left_s(at_work(finished=39)) == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599.9, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations_are_written_in_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


class Terminal:
    """A real pseudo-terminal that a test can put in place of stderr."""

    def __init__(self) -> None:
        self.reader, writer = os.openpty()
        self.stream = os.fdopen(writer, "w")

    def shown(self) -> bytes:
        """Waits until something is there; ten seconds are a fault."""
        assert select.select([self.reader], [], [], 10)[0], "nothing was shown"
        return os.read(self.reader, 65536)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    made = Terminal()
    yield made
    made.stream.close()
    os.close(made.reader)


def test_a_terminal_is_drawn_in_place(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal.stream)
    monkeypatch.setattr(progress, "_REDRAW_EVERY_S", 0.001)
    with watching(at_work()):
        shown = terminal.shown()
        while b"records" not in shown:
            shown += terminal.shown()
    assert b"\x1b[?25l" in shown


def test_a_dumb_terminal_gets_lines_and_nothing_else(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr", terminal.stream)
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.001)
    with watching(at_work()):
        shown = terminal.shown()
    assert b"\x1b" not in shown and b"\r\r" not in shown
    assert shown.startswith(b"generating: 10/40 records, 14 draft")


def test_progress_stays_on_the_terminal_while_the_engine_takes_stderr(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr", terminal.stream)
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.001)
    with watching(at_work()):
        monkeypatch.setattr("sys.stderr", io.StringIO())
        terminal.shown()
        assert b"generating" in terminal.shown()


@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_no_thread_and_no_handle_is_left_behind(
    term: str, error: type[BaseException], terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", terminal.stream)
    monkeypatch.setenv("TERM", term)
    threads, handles = threading.enumerate(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(error), watching(at_work()):
        assert len(threading.enumerate()) == len(threads) + 1
        raise error
    assert threading.enumerate() == threads
    assert len(os.listdir("/proc/self/fd")) == handles  # noqa: PTH208


def test_a_reader_of_stderr_that_has_gone_does_not_stop_the_work() -> None:
    called = threading.Event()

    def act() -> None:
        called.set()
        raise OutputClosed("gone")

    with progress._often(0.0, act):
        assert called.wait(10)
