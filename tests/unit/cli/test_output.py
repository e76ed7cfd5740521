"""Data on stdout, and text that can do nothing to a terminal."""

import io
import json

import pytest

from cai.cli.output import OutputClosed, error_row, plain, show_json, show_line
from cai.errors import ConfigError


def test_plain_keeps_words_and_disarms_the_rest(hostile: str) -> None:
    text = plain(hostile)
    assert text.startswith("[red]x[/red] [/] \N{REPLACEMENT CHARACTER}[31mred")
    assert not set(text) & {"\x1b", "\x9b", "\x07", "\u202e"}
    assert plain("a\r\nb\tc\rd") == "a\nb\tc\N{REPLACEMENT CHARACTER}d"
    assert plain("\ud800") == "\N{REPLACEMENT CHARACTER}"
    assert plain("سه‌شنبه 👨‍👩‍👧 ä") == "سه‌شنبه 👨‍👩‍👧 ä"


def test_json_is_one_ascii_line_that_holds_everything(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"text": hostile + "\ud800ä"})
    shown = capsys.readouterr().out
    assert shown.isascii() and shown.count("\n") == 1 and "\x1b" not in shown
    assert json.loads(shown) == {"text": hostile + "\ud800ä"}


def test_an_error_as_json_says_all_that_people_are_told() -> None:
    row = error_row(ConfigError("wrong", where="a.yaml:1:2", fix="right"))
    assert row == {"error": {"kind": "config", "what": "wrong", "where": "a.yaml:1:2", "fix": "right", "exit_code": 2}}


def test_a_reader_that_has_gone_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(OutputClosed) as caught:
        show_line("x")
    assert caught.value.exit_code == 74
