"""The live display of a run: records done, steps by stage, tokens per second, cache hits, time left."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from cai.phase import Phase
    from cai.pipeline.stats import RunStats
    from cai.records import Usage

_STAGES = ("draft", "critique", "revision", "sample", "label")
_LINE_EVERY_S = 15.0
_REDRAW_EVERY_S = 0.25


@contextmanager
def watching(stats: "RunStats") -> Iterator[Callable[[str], None]]:
    """Show the counters of a run while the body runs, on stderr; gives a function that says a line beside them."""
    with showing(lambda: line(stats), lambda: view(stats)) as say:
        yield say


@contextmanager
def showing(
    as_line: Callable[[], str], as_view: "Callable[[], RenderableType] | None" = None
) -> Iterator[Callable[[str], None]]:
    """Show something that changes while the body runs: drawn in place on a terminal, else a line now and then.

    Gives a function that says a line of its own, which stays.
    """
    from cai.cli.console import can_redraw, err, safe

    with _own_stderr() as stream:
        console = err(stream)

        def say(text: str) -> None:
            console.print(safe(text), soft_wrap=True)

        if can_redraw(console):
            with _redrawn(as_view or as_line, console):
                yield say
        else:
            with _often(_LINE_EVERY_S, lambda: console.print(as_line(), soft_wrap=True)):
                yield say


@contextmanager
def _own_stderr() -> Iterator[IO[str]]:
    """A copy of stderr, since an engine that starts sends the shared one to its log, and progress with it."""
    try:
        handle = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):
        # A stream without a file behind it, as under tests, is not redirected that way.
        yield sys.stderr
        return
    with os.fdopen(handle, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as stream:
        yield stream


@contextmanager
def _redrawn(render: "Callable[[], RenderableType]", console: "Console") -> Iterator[None]:
    from rich.live import Live

    # Its own refreshing would leave a thread that nobody waits for.
    live = Live(get_renderable=render, console=console, auto_refresh=False, transient=True)
    with live, _often(_REDRAW_EVERY_S, live.refresh):
        yield


@contextmanager
def _often(every_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` from a thread again and again; whatever ends the body, the thread ends with it."""
    import threading

    from cai.cli.output import OutputClosed

    stop = threading.Event()

    def repeat() -> None:
        # A reader of stderr that has gone is no reason to stop the work.
        with contextlib.suppress(OutputClosed):
            while not stop.wait(every_s):
                act()

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def line(stats: "RunStats") -> str:
    """The counters in one line."""
    if _is_starting(stats):
        return _starting(stats)
    parts = [f"{stats.phase}: {_records(stats)}", *(f"{count} {stage}" for stage, count in _steps(stats))]
    parts += [*_rate(stats), f"cache {_share(stats)}"]
    if stats.failed:
        parts.append(f"{stats.failed} failed")
    return ", ".join([*parts, *_left(stats)])


def view(stats: "RunStats") -> "RenderableType":
    """The counters as a bar with two lines of figures below it."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if _is_starting(stats):
        return Text(_starting(stats))
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        stats.phase, ProgressBar(total=stats.total, completed=stats.done, width=30), _records(stats), *_left(stats)
    )
    steps = [f"{stage} {count}" for stage, count in _steps(stats)]
    notes = [*_rate(stats), f"cache hits {_share(stats)}", f"{stats.in_flight} in flight"]
    notes += [f"{count} {name}" for name, count in _asides(stats).items() if count]
    return Group(grid, *(Text("  " + "  ".join(words)) for words in (steps, notes) if words))


def tokens_and_left(phase: "Phase", usage: "Usage") -> str:
    """How fast tokens come and how long it will take, as far as that is known, to be put behind a count."""
    tokens = usage.generated_tokens / phase.elapsed_s if phase.elapsed_s > 0 else 0
    return (f", {tokens:,.0f} tokens/s" if tokens else "") + rest(phase)


def rest(phase: "Phase") -> str:
    """How long it will take, if that is known, to be put behind a count."""
    return "" if phase.left_s is None else f", {duration(phase.left_s)} left"


def time_left_s(stats: "RunStats") -> float | None:
    """Seconds until the last record, if the rest goes as what went; None while nothing is known."""
    worked = stats.finished + stats.failed
    if not worked or stats.total is None or stats.working_since is None:
        return None
    # What is in flight is half done, on average.
    return max(0.0, (stats.total - stats.done) * stats.elapsed_s / (worked + stats.in_flight / 2))


def duration(seconds: float) -> str:
    """A time in the two greatest units that it has, such as `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _is_starting(stats: "RunStats") -> bool:
    return stats.total is None or (stats.working_since is None and not stats.done)


def _starting(stats: "RunStats") -> str:
    return f"{stats.phase} ... {duration(time.monotonic() - stats.started)}"


def _records(stats: "RunStats") -> str:
    return f"{stats.done}/{stats.total} records"


def _steps(stats: "RunStats") -> list[tuple[str, int]]:
    return [(stage, stats.steps[stage]) for stage in _STAGES if stats.steps[stage]]


def _rate(stats: "RunStats") -> list[str]:
    elapsed = stats.elapsed_s
    return [f"{stats.usage.generated_tokens / elapsed:,.0f} tokens/s"] if elapsed > 0 else []


def _left(stats: "RunStats") -> list[str]:
    left = time_left_s(stats)
    return [] if left is None else [f"{duration(left)} left"]


def _share(stats: "RunStats") -> str:
    usage = stats.usage
    return f"{usage.cached_tokens / usage.prompt_tokens:.0%}" if usage.prompt_tokens else "-"


def _asides(stats: "RunStats") -> dict[str, int]:
    return {
        "failed": stats.failed,
        "duplicates": stats.duplicates,
        "finished earlier": stats.skipped,
        "steps taken from the journal": sum(stats.reused.values()),
    }
