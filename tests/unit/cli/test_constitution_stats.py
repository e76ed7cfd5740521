import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import UsageError
from cai.starter.project import write_starter


def cai(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run of the starter project on the scripted engine."""
    write_starter(tmp_path)
    pipeline = tmp_path / "pipeline.yaml"
    assert cai("generate", "-p", pipeline, "--engine", "scripted", "--out", tmp_path / "run", "--json").exit_code == 0
    return tmp_path / "run"


def test_the_counts_reconcile_with_the_run(finished: Path) -> None:
    row = json.loads(cai("constitution", "stats", finished, "--json").stdout)
    assert row["records"] == 40 and row["constitution_unchanged"] is True
    assert len(row["principles"]) == 8
    # Two rounds of each record drew one principle each, and two orders of each comparison were judged.
    assert sum(one["rounds"] for one in row["principles"]) == 80
    assert sum(one["votes"] for one in row["principles"]) == 80
    fired = [one["fired"] for one in row["principles"]]
    assert fired == sorted(fired, reverse=True)


def test_people_see_a_table_and_what_to_look_at(finished: Path) -> None:
    shown = cai("constitution", "stats", finished).stdout
    assert "40 finished records" in shown
    assert "harm-to-others" in shown and "edit: share of words" in shown
    assert "too few rounds and votes" in shown
    # No verdicts were asked for.
    assert "found" not in shown.split("\n\n")[1]


def test_a_principle_never_drawn_is_listed_only_if_the_file_is_the_run_s(finished: Path) -> None:
    path = finished.parent / "constitution.yaml"
    text = path.read_text() + "  - id: new-one\n    statement: s\n    critique_request: c\n"
    path.write_text(text + "    revision_request: r\n    comparison_question: q\n")
    row = json.loads(cai("constitution", "stats", finished, "--json").stdout)
    assert row["constitution_unchanged"] is False
    assert "new-one" not in [one["id"] for one in row["principles"]]
    path.unlink()
    assert "has gone or changed since" in cai("constitution", "stats", finished).stdout


def test_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    assert isinstance(cai("constitution", "stats", tmp_path).exception, UsageError)


def test_a_run_that_ended_before_it_began_has_nothing_to_count(hostile_run: tuple[Path, str]) -> None:
    path, _ = hostile_run
    assert not (path / "config.json").exists()
    result = cai("constitution", "stats", path, "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["constitution_unchanged"] is False


def test_a_principle_cannot_restyle_the_terminal(
    hostile_run: tuple[Path, str], assert_harmless: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    path, _ = hostile_run
    (path / "config.json").write_text(json.dumps({"constitution": "[red]x[/red] :bomb: \x1b[31m"}))
    assert_harmless(cai("constitution", "stats", path).stdout)
