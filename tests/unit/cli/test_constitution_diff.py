import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from cai.cli.main import app

TEXTS = {"critique_request": "c", "revision_request": "r", "comparison_question": "q"}


def write(path: Path, statement: str, **about: object) -> Path:
    principles = [{"id": "tact", "statement": statement, **TEXTS}, {"id": "truth", "statement": "Be true.", **TEXTS}]
    path.write_text(yaml.safe_dump({"name": "house", "version": "1.0.0", "principles": principles, **about}))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "a.yaml", "Speak kindly to people."), write(tmp_path / "b.yaml", "Speak calmly to people.")


def diff(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["constitution", "diff", *map(str, arguments)])


def test_the_words_that_changed_are_marked_without_colours_too(pair: tuple[Path, Path]) -> None:
    shown = diff(*pair).stdout
    assert "~ tact  reworded" in shown
    assert "- Speak [-kindly-] to people." in shown
    assert "+ Speak {+calmly+} to people." in shown
    assert "1 principle is the same in both" in shown
    assert "the critiques that used it" in shown


def test_the_exit_code_says_that_they_differ_only_if_asked(pair: tuple[Path, Path]) -> None:
    before, after = pair
    assert diff(before, after).exit_code == 0
    assert diff(before, after, "--exit-code").exit_code == 1
    assert diff(before, before, "--exit-code").exit_code == 0
    assert "nothing differs" in diff(before, before).stdout


def test_json_is_one_object_also_with_the_exit_code(pair: tuple[Path, Path]) -> None:
    result = diff(*pair, "--json", "--exit-code")
    row = json.loads(result.stdout)
    assert result.exit_code == 1 and row["differ"] is True
    (change,) = row["principles"]
    assert (change["id"], change["changes"], change["redone"]) == ("tact", ["reworded"], ["critique", "rating"])
    assert change["texts"] == [
        {"field": "statement", "before": "Speak kindly to people.", "after": "Speak calmly to people."}
    ]
    assert row["version_number_needed"] == "third" and len(row["warnings"]) == 1


def test_text_of_a_file_cannot_restyle_the_terminal(
    tmp_path: Path, assert_harmless: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    before, after = write(tmp_path / "a.yaml", "x"), write(tmp_path / "b.yaml", "[red]x[/red] [/] :bomb: \u202eabc")
    assert_harmless(diff(before, after).stdout)
