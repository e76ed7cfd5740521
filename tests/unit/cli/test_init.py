"""`cai init`: what it writes runs with the commands that it names, from inside the project and from elsewhere."""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import UsageError

SCRIPTED = ("--engine", "scripted", "--limit", "4", "--json")


def cai(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_it_names_its_files_and_commands_that_can_be_copied(tmp_path: Path) -> None:
    folder = tmp_path / "it's mine"
    lines = cai("init", folder).stdout.splitlines()
    assert {Path(line) for line in lines[: lines.index("next:")]} == {p for p in folder.rglob("*") if p.is_file()}
    commands = [shlex.split(line) for line in lines if line.startswith("  cai ")]
    assert commands[0] == ["cai", "constitution", "validate", str(folder / "constitution.yaml")]
    assert cai(*commands[0][1:]).exit_code == 0
    assert cai(*commands[1][1:], *SCRIPTED).exit_code == 0
    assert (folder / "runs" / "first" / "datasets" / "sft" / "README.md").is_file()


@pytest.mark.parametrize("model", [[], ["--model", "ORG/NAME"]], ids=["sandbox", "general"])
def test_the_readme_s_commands_run_in_the_project_s_folder(
    model: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cai("init", tmp_path / "project", *model).exit_code == 0
    monkeypatch.chdir(tmp_path / "project")
    block = Path("README.md").read_text().split("```")[1].strip().splitlines()
    assert len(block) == 3
    for line in block:
        name, *arguments = shlex.split(line)
        scripted = SCRIPTED if arguments[0] == "generate" else ()
        assert name == "cai"
        assert cai(*arguments, *scripted).exit_code == 0, line


def test_the_project_runs_from_elsewhere_and_goes_on_from_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    cai("init", project)
    (tmp_path / "constitution.yaml").write_text("not: the one that is meant")
    monkeypatch.chdir(tmp_path)
    arguments = ("--out", project / "runs" / "first", *SCRIPTED)
    outside = json.loads(cai("generate", "-p", "project/pipeline.yaml", *arguments).stdout)
    monkeypatch.chdir(project)
    inside = json.loads(cai("generate", "-p", "pipeline.yaml", *arguments).stdout)
    assert outside["counts"]["trajectories"] == 4
    # The same run: nothing is asked again.
    assert inside["engine"]["generated_tokens"] == 0 and inside["counts"] == outside["counts"]


def test_json_names_the_files(tmp_path: Path) -> None:
    row = json.loads(cai("init", tmp_path, "--json").stdout)
    assert str(tmp_path / "pipeline.yaml") in row["files"] and row["folder"] == str(tmp_path)


def test_a_second_time_needs_force(tmp_path: Path) -> None:
    cai("init", tmp_path)
    assert isinstance(cai("init", tmp_path).exception, UsageError)
    assert cai("init", tmp_path, "--force").exit_code == 0
