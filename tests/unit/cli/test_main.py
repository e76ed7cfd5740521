"""How each kind of end becomes an exit code, a message, and with --json an object. In this process, except the pipe."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cai.cli import main as cli
from cai.cli.output import OutputClosed
from cai.errors import (
    CaiError,
    ConstitutionError,
    EngineError,
    LimitReached,
    RunInUse,
    StorageError,
    UsageError,
)

COMMANDS = [
    *([name] for name in ("generate", "preview", "status", "inspect", "doctor")),
    *(["constitution", name] for name in ("validate", "show", "schema")),
    *(["sandbox", name] for name in ("prompts", "train")),
]


def end_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cai", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `cai doctor` end in an error."""

    def fail() -> None:
        raise error

    monkeypatch.setattr("cai.cli.checkup.checkup", fail)


@pytest.mark.parametrize("command", [[], ["constitution"], ["sandbox"], *COMMANDS], ids=" ".join)
def test_every_help_works(command: list[str]) -> None:
    result = CliRunner().invoke(cli.app, [*command, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ") and result.stderr == ""


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[-1] != "schema"], ids=" ".join)
def test_every_command_has_json(command: list[str]) -> None:
    assert "--json" in CliRunner().invoke(cli.app, [*command, "--help"]).stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CaiError("x"), 1),
        (UsageError("x"), 2),
        (ConstitutionError("x"), 2),
        (EngineError("x"), 4),
        (LimitReached("x"), 5),
        (RunInUse("x"), 6),
        (StorageError("x"), 74),
        (PermissionError(13, "Permission denied", "/there"), 74),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_error_has_its_exit_code_one_message_and_one_object(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(monkeypatch, error)
    assert end_of(monkeypatch, "doctor") == code
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and "Traceback" not in shown.err
    assert end_of(monkeypatch, "doctor", "--json") == code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["exit_code"] == code
    assert shown.err.startswith("error: ")


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, ZeroDivisionError())
    monkeypatch.setattr(sys, "argv", ["cai", "doctor"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "--bogus"), ("cai generate: No such option: --bogus", "see cai generate --help")),
        (("genrate",), ("cai: No such command 'genrate'", "see cai --help")),
        (("generate", "--limit", "0"), ("--limit", "greater than or equal to 1")),
        (("status",), ("Missing argument", "see cai status --help")),
    ],
)
def test_a_mistyped_command_line_says_where_to_look(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert end_of(monkeypatch, *arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(word in shown.err for word in words)


def test_no_arguments_show_the_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(monkeypatch) == 2
    assert "Commands:" in capsys.readouterr().err


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("cai ")


def test_a_constitution_with_a_wrong_key_names_the_place_and_the_nearest_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "name: x\nversion: 1.0.0\nprinciples:\n  - id: a\n    statment: s\n    critique_request: c\n"
        "    revision_request: r\n    comparison_question: q\n"
    )
    assert end_of(monkeypatch, "constitution", "validate", str(file), "--json") == 2
    shown = capsys.readouterr()
    assert f"{file}:5:5: " in shown.err and "did you mean `statement`?" in shown.err
    assert json.loads(shown.out)["error"]["kind"] == "constitution"


def test_a_reader_that_has_gone_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken(monkeypatch, OutputClosed("gone"))
    given_up = []
    monkeypatch.setattr(cli, "give_up_stdout", lambda: given_up.append(True))
    assert end_of(monkeypatch, "doctor", "--json") == 74
    assert given_up and capfd.readouterr().err == ""
