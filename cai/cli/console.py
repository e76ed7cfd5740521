"""The terminal: two consoles, one for results and one for everything else, and text that cannot restyle them."""

from typing import IO, TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.text import Text

from cai.cli.output import OutputClosed, plain

if TYPE_CHECKING:
    from cai.errors import CaiError


class _Terminal(Console):
    """A console that reads no markup in text, and reports a closed pipe in place of ending the process."""

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None) -> None:
        super().__init__(stderr=stderr, file=file, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> NoReturn:
        """Called by Rich while the error is being handled."""
        raise OutputClosed("nobody reads the output any more") from None


def out() -> Console:
    """For results, on stdout."""
    return _Terminal()


def err(file: IO[str] | None = None) -> Console:
    """For errors, notes and progress, on stderr or on a copy of it."""
    return _Terminal(stderr=True, file=file)


def can_redraw(console: Console) -> bool:
    """Whether lines can be drawn again in place: a real terminal, and none that calls itself dumb.

    FORCE_COLOR makes a file look like a terminal to Rich; colours do no harm there, moving the cursor would.
    """
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


def safe(text: str, style: str = "") -> Text:
    """Text of others as a Rich text, in which markup means nothing and control characters are replaced."""
    return Text(plain(text), style=style)


def show_error(error: "CaiError") -> None:
    """What is wrong, where, and what to do, on stderr."""
    text = Text.assemble(("error: ", "bold red"))
    if error.where:
        text.append(f"{plain(error.where)}: ", "bold")
    text.append(plain(error.what))
    if error.fix:
        text.append("\n  what to do: ", "bold")
        text.append(plain(error.fix))
    err().print(text, soft_wrap=True)
