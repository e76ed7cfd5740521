"""What a command leaves on stdout as data, and text made harmless. Nothing here draws; Rich is not imported."""

import contextlib
import json
import os
import sys
import unicodedata
from typing import Any

from cai.errors import CaiError, StorageError

_KEPT = {"\n", "\t", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
"""The two joiners shape emoji, Persian and Indic words, and move nothing on the screen."""


class OutputClosed(StorageError):
    """Whoever read our output has gone, as `head` does; there is nobody left to tell."""


class Interrupted(CaiError):
    """The user stopped the command."""

    exit_code = 130
    kind = "interrupted"


def plain(text: str) -> str:
    """Text of a model, a user or a file without anything that a terminal would act on.

    Control characters (ANSI escapes begin with one) and bidirectional overrides become a visible stand-in.
    """
    return "".join(
        c if c in _KEPT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") else "\N{REPLACEMENT CHARACTER}"
        for c in text.replace("\r\n", "\n")
    )


def show_json(row: dict[str, Any]) -> None:
    """One JSON object on a line of stdout, in ASCII: it suits every encoding and cannot act on a terminal.

    Raises:
        OutputClosed: Nobody reads it any more.
    """
    _write(json.dumps(row))


def show_line(text: str) -> None:
    """One line of text on stdout, made harmless.

    Raises:
        OutputClosed: Nobody reads it any more.
    """
    _write(plain(text))


def error_row(error: CaiError) -> dict[str, Any]:
    """An error as the one JSON object of a command that failed."""
    return {
        "error": {
            "kind": error.kind,
            "what": error.what,
            "where": error.where,
            "fix": error.fix,
            "exit_code": error.exit_code,
        }
    }


def encodable() -> None:
    """Let no character fail an output of another encoding: it is written as an escape instead."""
    for stream in (sys.stdout, sys.stderr):
        # A stream that a caller put in their place may be of another kind, and then knows its own encoding.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def give_up_stdout() -> None:
    """Point stdout at nothing, so that what is still buffered does not fail again when the interpreter ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosed("nobody reads the output any more") from None
