import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cai.cli.constitution import app
from cai.constitution.json_schema import constitution_schema
from cai.errors import ConstitutionError

SHIPPED = "constitution/harmlessness.yaml"
RUNNER = CliRunner()

HOSTILE = """\
name: hostile
version: 1.0.0
description: "[bold red]shout[/] [/nothing]"
principles:
  - id: first
    statement: "[link=file:///x]press[/link] [/]"
    critique_request: c
    revision_request: r
    comparison_question: q
"""


def test_validate_prints_a_line_with_counts_by_family() -> None:
    result = RUNNER.invoke(app, ["validate", SHIPPED, "constitution/helpful_honest.yaml"])
    first, second = result.stdout.splitlines()
    assert result.exit_code == 0
    assert first.startswith(
        f"{SHIPPED}: harmlessness 1.0.0, 28 principles (unsafe content 8, bias and discrimination 3, "
    )
    assert "helpful-honest 1.0.0, 10 principles (unsafe content 0" in second


def test_validate_json_is_one_object() -> None:
    data = json.loads(RUNNER.invoke(app, ["validate", SHIPPED, "--json"]).stdout)
    (row,) = data["files"]
    assert row["name"] == "harmlessness"
    assert set(row["families"]) == {"unsafe_content", "bias", "false_information", "privacy"}


def test_validate_checks_every_file_and_raises_for_all_that_are_wrong(tmp_path: Path) -> None:
    bad, worse = tmp_path / "bad.yaml", tmp_path / "worse.yaml"
    bad.write_text("name: 3\n")
    worse.write_text("a: b: c\n")
    result = RUNNER.invoke(app, ["validate", str(bad), SHIPPED, str(worse)])
    assert result.stdout.startswith(SHIPPED)
    assert isinstance(result.exception, ConstitutionError)
    assert result.exception.exit_code == 2
    assert f"{bad}:1:7: " in str(result.exception)
    assert f"{worse}:1:5: " in str(result.exception)


def test_show_prints_a_table_and_text_cannot_restyle_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(HOSTILE)
    monkeypatch.setenv("COLUMNS", "160")
    result = RUNNER.invoke(app, ["show", str(file)])
    assert result.exit_code == 0
    assert "[bold red]shout[/] [/nothing]" in result.stdout
    assert "[link=file:///x]press[/link] [/]" in result.stdout
    assert "\x1b]8" not in result.stdout


def test_an_escape_sequence_in_a_file_never_reaches_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(HOSTILE.replace("shout", "\\e[31mred"))
    result = RUNNER.invoke(app, ["show", str(file)])
    assert isinstance(result.exception, ConstitutionError)
    assert "\x1b" not in str(result.exception)
    assert result.stdout == ""


def test_show_json_holds_everything_and_the_fingerprint() -> None:
    data = json.loads(RUNNER.invoke(app, ["show", SHIPPED, "--json"]).stdout)
    assert len(data["principles"]) == 28
    assert data["principles"][0]["constraints"]
    assert len(data["fingerprint"]) == 16


def test_schema_prints_the_json_schema() -> None:
    assert json.loads(RUNNER.invoke(app, ["schema"]).stdout) == constitution_schema()
