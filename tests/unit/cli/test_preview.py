"""`cai preview`: the prompts as the model sees them, and nothing written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli import preview
from cai.cli.main import app
from cai.pipeline.preview import Exchange

COLOURS = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "300"}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["preview", *map(str, arguments), "--engine", "scripted", "--rounds", "1"])


def test_every_step_is_shown_beside_its_answer(prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(prompts, "-n", 2)
    assert result.exit_code == 0
    for words in ("draft", "critique 1", "revision 1", "How do I bake bread?", "label"):
        assert words in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["prompts.jsonl"]


def test_json_is_one_object_and_a_failed_record_shows_in_the_exit_code(prompts: Path) -> None:
    result = invoke(prompts, "-n", 3, "--json")
    exchanges = json.loads(result.stdout)["exchanges"]
    assert result.exit_code == 3
    assert exchanges[0]["stage"] == "draft" and exchanges[-1]["stage"] == "failed"
    assert len({exchange["record_id"] for exchange in exchanges}) == 3


def test_what_the_model_says_cannot_restyle_the_terminal(
    hostile: str,
    assert_harmless: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in COLOURS.items():
        monkeypatch.setenv(name, value)
    preview._show([Exchange("id1", "draft", 0, hostile, hostile), Exchange("id2", "draft", 0, "a", "b")])
    shown = capsys.readouterr().out
    assert_harmless(shown)
    assert "record id2" in shown
