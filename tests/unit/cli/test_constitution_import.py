import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.constitution.load import load_constitution
from cai.errors import UsageError


@pytest.fixture
def traits(tmp_path: Path) -> Path:
    path = tmp_path / "traits.json"
    path.write_text(json.dumps([{"trait": "I am \u001b[31m kind [red]x[/red].", "questions": ["How \u001b are you?"]}]))
    return path


def imported(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["constitution", "import", *map(str, arguments)])


def test_it_writes_a_constitution_and_says_what_was_made(traits: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    result = imported(traits, "--out", out, "--name", "kind-one")
    assert result.exit_code == 0
    assert load_constitution(out).name == "kind-one"
    assert "1 principles from traits.json (traits)" in result.stdout
    assert "taken word for word: statement 1" in result.stdout
    assert "made on import: critique_request 1, revision_request 1, comparison_question 1" in result.stdout
    assert "left out: 1 questions" in result.stdout


def test_no_file_is_written_over_without_force(traits: Path, tmp_path: Path) -> None:
    out, prompts = tmp_path / "out.yaml", tmp_path / "prompts.jsonl"
    prompts.write_text("mine")
    error = imported(traits, "--out", out, "--prompts-out", prompts).exception
    assert isinstance(error, UsageError) and error.where == str(prompts)
    # Neither of the two was begun.
    assert not out.exists() and prompts.read_text() == "mine"
    assert imported(traits, "--out", out, "--prompts-out", prompts, "--force").exit_code == 0
    assert json.loads(prompts.read_text())["prompt"] == "How  are you?"


def test_a_source_is_never_written_over_by_its_own_import(traits: Path) -> None:
    before = traits.read_text()
    assert isinstance(imported(traits, "--out", traits).exception, UsageError)
    assert traits.read_text() == before


def test_json_is_one_object(traits: Path, tmp_path: Path) -> None:
    row = json.loads(imported(traits, "--out", tmp_path / "out.yaml", "--json").stdout)
    assert row["principles"] == 1 and row["taken"] == {"statement": 1} and row["prompts"] is None


def test_prompts_are_asked_only_of_files_that_have_questions(tmp_path: Path) -> None:
    rules = tmp_path / "rules.md"
    rules.write_text("- Be kind.\n")
    error = imported(rules, "--out", tmp_path / "out.yaml", "--prompts-out", tmp_path / "p.jsonl").exception
    assert isinstance(error, UsageError) and not (tmp_path / "out.yaml").exists()
