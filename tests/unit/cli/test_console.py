"""Errors and texts on a terminal that shows colours."""

import io
from collections.abc import Callable

import pytest

from cai.cli.console import can_redraw, err, out, safe, show_error
from cai.cli.output import OutputClosed
from cai.errors import UsageError


class Screen(io.StringIO):
    """Text that passes for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_an_error_is_styled_by_us_alone(
    hostile: str, monkeypatch: pytest.MonkeyPatch, assert_harmless: Callable[[str], None]
) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    show_error(UsageError(hostile, where=hostile, fix=hostile + " long" * 60))
    shown = screen.getvalue()
    assert "\x1b[1;31merror: " in shown
    assert "what to do: " in shown and shown.count("\n") == 2
    assert shown.count("[red]x[/red]") == 3
    assert_harmless(shown.replace("\x1b[1;31merror: ", ""))


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    show_error(UsageError("wrong"))
    assert "31m" not in screen.getvalue()
    assert "wrong" in screen.getvalue()


def test_markup_and_emoji_codes_mean_nothing_even_in_plain_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    out().print("[red]x[/red] :bomb:")
    out().print(safe("[red]y[/red]"))
    assert screen.getvalue() == "[red]x[/red] :bomb:\n[red]y[/red]\n"


@pytest.mark.parametrize(
    ("term", "force", "stream", "expected"),
    [
        ("xterm", "", Screen, True),
        ("dumb", "", Screen, False),
        ("xterm", "", io.StringIO, False),
        ("xterm", "1", io.StringIO, False),
    ],
)
def test_lines_are_drawn_again_only_on_a_real_terminal(
    term: str, force: str, stream: type[io.StringIO], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    if force:
        monkeypatch.setenv("FORCE_COLOR", force)
    assert can_redraw(err(stream())) is expected


def test_a_closed_pipe_is_reported_and_does_not_end_the_process() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(OutputClosed):
        err(Closed()).print("x")
