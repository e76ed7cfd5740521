"""`cai generate`: its figures, what it prints, and what it leaves behind. No process is started here."""

import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from cai.cli.generate import summary_row
from cai.cli.main import app
from cai.cli.settings import Choices, resolve
from cai.cli.tables import next_lines, summary_view
from cai.data.counts import RunCounts
from cai.errors import PromptSourceError, UsageError
from cai.pipeline.summary import EngineStats, LabelStats, RunSummary

FIGURES: dict[str, Any] = {
    "by_revision": [
        {"revision": 0, "harm_rate": 0.9, "good_refusal_rate": 0.1, "benign_answered_rate": 0.8},
        {"revision": 1, "harm_rate": 0.2, "good_refusal_rate": None, "benign_answered_rate": 0.7},
    ],
    "label_accuracy": 0.95,
}


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


def summary(reason: str = "why", run_dir: str = "runs/it's mine") -> RunSummary:
    return RunSummary(
        run_dir=run_dir,
        counts=RunCounts(4, 2, 1, 1, 0, 3, 2, {reason: 1}, {reason: 1}, {reason: 7}, {reason: 8}, 9),
        by_hazard={reason: {"trajectories": 2, "labels": 1}},
        steps={"draft": 2},
        reused_steps=3,
        labels=LabelStats(2, 0, 0.5, 0.9),
        engine=EngineStats(1000, 400, 500, 2.0),
    )


def test_json_has_the_figures_that_scripts_rely_on(prompts: Path, tmp_path: Path) -> None:
    result = generate(prompts, "--engine", "scripted", "--rounds", 1, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 3
    row = json.loads(result.stdout)
    counts = row["counts"]
    assert counts["prompts"] == counts["trajectories"] + counts["filtered"] + counts["failed"] == 3
    assert counts["failed_reasons"] == {"the scripted engine was told to fail": 1}
    assert counts["sft_rows"] == 2 and counts["preference_rows"] <= 2
    assert {"flip_rate", "mean_label_mass"} <= row["labels"].keys()
    assert {"prompt_tokens", "cached_tokens", "generated_tokens", "wall_s"} == row["engine"].keys()
    assert row["run_dir"] == str(tmp_path / "run") and row["by_revision"] == []


def test_a_second_time_nothing_finished_is_done_again(prompts: Path, tmp_path: Path) -> None:
    arguments = (prompts, "--engine", "scripted", "--rounds", 1, "--limit", 2, "--out", tmp_path / "run", "--json")
    first, second = generate(*arguments), generate(*arguments)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert json.loads(second.stdout)["engine"]["generated_tokens"] == 0
    assert json.loads(second.stdout)["counts"] == json.loads(first.stdout)["counts"]


def test_the_sandbox_adds_what_its_oracle_says() -> None:
    row = summary_row(summary(), FIGURES)
    assert row["by_revision"] == FIGURES["by_revision"] and row["labels"]["accuracy"] == 0.95


def shown(run: RunSummary, figures: dict[str, Any] | None) -> str:
    screen = io.StringIO()
    Console(file=screen, width=200, force_terminal=True, color_system="truecolor").print(summary_view(run, figures))
    return screen.getvalue()


def test_the_table_has_counts_figures_and_reasons() -> None:
    text = shown(summary(), FIGURES)
    told = ("1 failed: why", "7 left out: why", "8 left out: why", "9 rows of both with personal data masked")
    for words in ("4 in = 2 trajectories + 1 filtered + 1 failed", *told, "90.0%", "revision 1", "40.0%"):
        assert words in text
    assert "500 generated in 2.0 s (250 tokens/s)" in text and "agreement with the oracle 95.0%" in text
    assert "not a useful assistant" in text
    assert "oracle" not in shown(summary(), None)


def test_the_table_cannot_be_restyled(hostile: str, assert_harmless: Callable[[str], None]) -> None:
    assert_harmless(shown(summary(hostile), FIGURES))


def test_the_next_commands_can_be_copied_into_a_shell() -> None:
    lines = [line.strip() for line in next_lines(resolve(Choices()), summary())]
    commands = [shlex.split(line) for line in lines if line.startswith(("cai ", "python "))]
    assert commands[0] == ["cai", "status", "runs/it's mine"]
    assert commands[1] == ["cai", "inspect", "runs/it's mine"]
    assert commands[2][:2] == ["python", "-c"]
    compile(commands[2][2], "next", "exec")
    assert '"runs/it\'s mine/datasets/preferences"' in commands[2][2]


def test_the_next_commands_are_not_wrapped(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / ("long" * 40)
    lines = generate(prompts, "-n", 1, "--engine", "scripted", "--rounds", 1, "--out", run).stdout.splitlines()
    assert f"  cai status {run}" in lines


@pytest.mark.parametrize("mode", ["never", "if_possible"])
def test_a_mistyped_file_leaves_nothing_behind(mode: str, prompts: Path, tmp_path: Path) -> None:
    arguments = ("--engine", "scripted", "--rounds", 1, "--resume", mode, "--out", tmp_path / "run")
    assert isinstance(generate(tmp_path / "none.jsonl", *arguments).exception, PromptSourceError)
    assert not (tmp_path / "run").exists()
    assert generate(prompts, "--limit", 1, *arguments).exit_code == 0


def test_an_empty_folder_of_the_user_stays(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    generate(tmp_path / "none.jsonl", "--engine", "scripted", "--out", tmp_path / "run")
    assert (tmp_path / "run").is_dir()


def test_an_unknown_mode_is_refused(prompts: Path) -> None:
    error = generate(prompts, "--resume", "sometimes").exception
    assert isinstance(error, UsageError)
    assert (error.where, error.fix) == ("--resume", "use never, if_possible, always")
