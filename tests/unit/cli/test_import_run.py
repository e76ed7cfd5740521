"""`cai import-run`: what it shows, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import UsageError

COLOURS = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "400"}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=COLOURS)


@pytest.fixture
def hostile_file(tmp_path: Path, hostile: str) -> Path:
    round_ = {"principle": hostile, "critique": hostile, "revision": hostile + " again"}
    row = {"prompt": hostile, "draft": hostile, "rounds": [round_], "model": hostile}
    path = tmp_path / "others.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


def test_nothing_from_the_file_can_restyle_the_terminal(
    hostile_file: Path, tmp_path: Path, assert_harmless: Callable[[str], None]
) -> None:
    result = invoke("import-run", hostile_file, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert_harmless(result.output)


def test_json_is_one_object(hostile_file: Path, tmp_path: Path) -> None:
    row = json.loads(invoke("import-run", hostile_file, "-o", tmp_path / "run", "--json").stdout)
    assert row["counts"]["trajectories"] == 1 and row["constitution_made"] is True
    shown = json.loads(invoke("status", tmp_path / "run", "--json").stdout)
    assert shown["state"] == "finished" and shown["counts"]["trajectories"] == 1
    listed = json.loads(invoke("inspect", tmp_path / "run", "--json").stdout)["records"]
    steps = json.loads(invoke("inspect", tmp_path / "run", listed[0]["id"], "--json").stdout)["steps"]
    assert [step["stage"] for step in steps] == ["draft", "critique", "revision", "trajectory"]


def test_a_wrong_mode_is_a_wrong_command(hostile_file: Path, tmp_path: Path) -> None:
    result = invoke("import-run", hostile_file, "-o", tmp_path / "run", "--resume", "perhaps")
    assert isinstance(result.exception, UsageError) and result.exception.exit_code == 2
    assert not (tmp_path / "run").exists()
