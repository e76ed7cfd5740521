"""The example of docs/extending.md, taken from the page and run as a user would."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cai.cli.main import app
from cai.data.finished import finished_records, rounds_of
from cai.store.journal import Journal

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (code,), (template,), (settings,) = blocks("python"), blocks("jinja"), blocks("yaml")
    (tmp_path / "my_modes.py").write_text(code)
    folder = tmp_path / "my_prompts" / "critique"
    folder.mkdir(parents=True)
    (folder / "fair.chat.jinja").write_text(template)
    generate = yaml.safe_load(settings)["generate"] | {"rounds": 2, "revision": {"checks": []}}
    pipeline = {"name": "mine", "engines": {"default": {"kind": "scripted"}}, "generate": generate}
    (tmp_path / "my_pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps({"prompt": f"Question {n}"}) + "\n" for n in range(5)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(*more: str) -> tuple[int, str]:
    command = ["generate", "prompts.jsonl", "-p", "my_pipeline.yaml", "-c", "constitution/helpful_honest.yaml"]
    result = CliRunner().invoke(app, [*command, "--out", "runs/fair", *more])
    return result.exit_code, f"{result.output}{result.exception or ''}"


def test_the_example_runs_and_is_read_like_any_other_mode(project: Path) -> None:
    code, said = generate("--allow-code", "--json")
    assert code == 0, said
    with Journal.read_only(project / "runs" / "fair" / "journal.db") as journal:
        records = list(finished_records(journal, 1))
        assert len(records) == 5
        for record in records:
            for round_ in rounds_of(record):
                assert round_.critique == record.steps["critique", round_.index, 0].body["text"]
                assert record.steps["critique/praise", round_.index, 0].status == "done"
    shown = CliRunner().invoke(app, ["inspect", "runs/fair", records[0].prompt.id])
    assert shown.exit_code == 0 and "critique/praise 1" in shown.output
    assert CliRunner().invoke(app, ["report", "runs/fair"]).exit_code == 0


def test_it_does_not_run_unasked(project: Path) -> None:
    code, said = generate()
    assert code != 0
    assert "--allow-code" in said and not (project / "runs" / "fair").exists()
