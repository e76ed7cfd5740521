"""`cai run` and `cai status` on a recipe of the scripted engine; each stage is a real process."""

import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.cli.recipe_tables import next_lines, outcome_view, stages_view
from cai.errors import ConfigError
from cai.recipe.run import StageFailed
from cai.recipe.state import RecipeState, StageState

PIPELINE: dict[str, Any] = {
    "name": "demo",
    "constitution": "constitution/harmlessness.yaml",
    "engines": {"default": {"kind": "scripted"}},
    "generate": {"rounds": 1, "split": {"eval": 0.4}},
}
MADE = {"name": "made", "kind": "generate"}
MEASURED = {
    "name": "measured",
    "kind": "eval",
    "eval": {
        "models": {"base": {"engine": {"kind": "scripted", "model": "base"}}},
        "prompts": {"kept": "made"},
        "harm": {"method": "none"},
    },
}


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    rows = [json.dumps({"prompt": f"Question {number}"}) for number in range(12)]
    (tmp_path / "p.jsonl").write_text("\n".join(rows) + "\n")
    file = tmp_path / "demo.yaml"
    file.write_text(json.dumps({**PIPELINE, "prompts": str(tmp_path / "p.jsonl"), "stages": [MADE, MEASURED]}))
    return file


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def test_json_has_what_scripts_rely_on(pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("run", pipeline, "--out", out, "--seed", 3, "--json")
    assert result.exit_code == 0
    row = json.loads(result.stdout)
    assert [(stage["name"], stage["status"]) for stage in row["stages"]] == [("made", "done"), ("measured", "done")]
    assert all(stage["seconds"] > 0 for stage in row["stages"])
    (base,) = row["evaluation"]
    assert list(base) == ["model", "harm_rate", "benign_answered_rate", "over_refusal_rate", "distinct_2"]
    assert (base["model"], base["harm_rate"]) == ("base", None)
    assert (row["reward_model"], row["run_dir"], row["report"]) == (None, str(out), None)
    assert json.loads((out / "made" / "config.json").read_text())["pipeline"]["generate"]["seed"] == 3
    again = json.loads(invoke("run", pipeline, "--out", out, "--seed", 3, "--json").stdout)
    assert [stage["status"] for stage in again["stages"]] == ["reused", "reused"]
    assert again["evaluation"] == row["evaluation"]


def test_people_get_headers_tables_and_commands(pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("run", pipeline, "--out", out)
    assert "1/2 made  (new)" in result.stderr and "2/2 measured  (new)" in result.stderr
    assert f"cai generate --pipeline {out}/configs/made.yaml --out {out}/made\n" in result.stderr
    assert "distinct-2" in result.stdout and f"cai status {out}" in result.stdout
    shown = invoke("status", out)
    assert shown.exit_code == 0
    assert f"{out}: finished; pipeline demo" in shown.stdout
    row = json.loads(invoke("status", out, "--json").stdout)
    assert row["state"] == "finished"
    assert [(stage["name"], stage["status"]) for stage in row["stages"]] == [("made", "done"), ("measured", "done")]
    assert json.loads(invoke("status", out / "made", "--json").stdout)["counts"]["prompts"] == 12


def test_a_dry_run_shows_commands_and_writes_nothing(pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("run", pipeline, "--out", out, "--dry-run")
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0] == "1/2 made  run (new)"
    assert shlex.split(lines[3])[:3] == ["cai", "eval", "--config"]
    row = json.loads(invoke("run", pipeline, "--out", out, "--dry-run", "--json").stdout)
    assert [(stage["name"], stage["verdict"]) for stage in row["stages"]] == [("made", "run"), ("measured", "run")]
    assert row["stages"][0]["settings"]["generate"]["rounds"] == 1
    assert not out.exists()


def test_settings_of_a_stage_are_set_by_its_name(pipeline: Path, tmp_path: Path) -> None:
    setting = "stages.made.generate.rounds=2"
    result = invoke("run", pipeline, "--out", tmp_path / "out", "--dry-run", "--json", "--set", setting)
    assert json.loads(result.stdout)["stages"][0]["settings"]["generate"]["rounds"] == 2
    wrong = invoke("run", pipeline, "--out", tmp_path / "out", "--set", "stages.made.generate.round=2")
    assert isinstance(wrong.exception, ConfigError)
    assert wrong.exception.fix == "did you mean `rounds`?"


def test_a_failed_stage_gives_its_exit_code(pipeline: Path, tmp_path: Path) -> None:
    broken = "stages.made.engines={default: {kind: vllm, model: not-there}}"
    result = invoke("run", pipeline, "--out", tmp_path / "out", "--set", broken)
    assert isinstance(result.exception, StageFailed)
    assert result.exception.exit_code == 4
    row = json.loads(invoke("status", tmp_path / "out", "--json").stdout)
    assert [stage["status"] for stage in row["stages"]] == ["failed", "pending"]
    assert row["stages"][0]["note"].startswith("the stage `made` failed: ")


def drawn(view: Any) -> str:
    screen = io.StringIO()
    Console(file=screen, width=200).print(view)
    return screen.getvalue()


def test_the_tables_have_every_figure() -> None:
    stages = [
        StageState("made", "generate", "done", 75.0, started_at="a", finished_at="b", note="2 records failed"),
        StageState("sft", "train", started_at="a"),
        StageState("dpo", "train"),
    ]
    text = drawn(stages_view(stages, "running"))
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["sft", "train", "running"],
        ["dpo", "train", "pending"],
    ]
    assert "1 min 15 s" in text and "2 records failed" in text
    model = {"model": "dpo", "harm_rate": 0.021, "benign_answered_rate": 0.9, "over_refusal_rate": None}
    row = {
        "evaluation": [{**model, "distinct_2": 0.4321}],
        "reward_model": {"heldout_accuracy": 0.93, "ece": 0.041},
    }
    text = drawn(outcome_view(row, RecipeState(Path("x"), "demo", {stage.name: stage for stage in stages})))
    for figure in ("2.1%", "90.0%", "0.432", "93.0%", "4.1%"):
        assert figure in text


def test_the_next_commands_can_be_copied_into_a_shell() -> None:
    lines = next_lines({"run_dir": "runs/it's mine", "report": "runs/it's mine/report.html"}, "p.yaml")
    assert shlex.split(lines[2])[1] == "runs/it's mine/report.html"
    assert shlex.split(lines[3]) == ["cai", "status", "runs/it's mine"]
