"""Which kind of directory it is, what is read of it, and what is said where there is nothing."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from cai.errors import StorageError, UsageError
from cai.report.gather import gather
from cai.report.oracle import OracleFigures, RevisionFigures, no_oracle


def test_a_run(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "mine")
    found = gather(tmp_path / "mine", no_oracle)
    assert (found.kind, found.name, len(found.runs), found.is_sandbox) == ("run", "mine", 1, False)
    run = found.runs[0]
    counts = run.counts
    assert counts.prompts == counts.trajectories + counts.filtered + counts.failed == 28
    assert (counts.trajectories, counts.filtered, counts.failed, counts.owed) == (24, 2, 2, 0)
    # Of the two rounds, the second changes half of what the first one changed; an answer that stays gives no row.
    assert counts.sft_rows == 24 + 6 and counts.preference_rows == 12
    assert (run.rules.name, run.rules.version, run.rules.statements) == ("kindness", "1.2.0", {})
    assert len(run.stories) == 10 and run.session is not None and run.session.ended_at


def test_the_oracle_is_asked_about_each_run(tmp_path: Path, report_folders: ModuleType) -> None:
    path = report_folders.write_recipe(tmp_path / "recipe")
    asked: list[str] = []

    def oracle(run: Path) -> OracleFigures | None:
        asked.append(run.name)
        return OracleFigures((RevisionFigures(0, 0.9, 0.1, 0.9),)) if run.name == "generate" else None

    found = gather(path, oracle)
    assert asked == ["generate", "pairs"]
    assert [run.is_sandbox for run in found.runs] == [True, False]


def test_a_recipe(tmp_path: Path, report_folders: ModuleType) -> None:
    found = gather(report_folders.write_recipe(tmp_path / "recipe"), no_oracle)
    assert (found.kind, found.name, len(found.stages)) == ("recipe", "small", 7)
    assert [run.name for run in found.runs] == ["generate", "pairs"]
    assert [training.name for training in found.trainings] == ["sft", "reward", "dpo"]
    assert [name for name, _ in found.evaluations] == ["eval"]
    # Its answers were judged by the sandbox's oracle.
    assert found.is_sandbox


def test_a_recipe_that_has_only_begun(tmp_path: Path) -> None:
    stages = [{"name": name, "kind": "train", "status": "pending"} for name in ("sft", "..", "a/b", "")]
    (tmp_path / "training.json").write_text("{}")
    (tmp_path / "sft").mkdir()
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": 1, "pipeline": "p", "stages": stages}))
    found = gather(tmp_path / "sft" / "..", no_oracle)
    assert (found.kind, found.runs, found.trainings, found.evaluations) == ("recipe", [], [], [])


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_one_stage_alone(kind: str, tmp_path: Path, report_folders: ModuleType) -> None:
    if kind == "training":
        report_folders.write_training(tmp_path / "x", "dpo")
    else:
        report_folders.write_evaluation(tmp_path / "x")
    found = gather(tmp_path / "x", no_oracle)
    assert found.kind == kind
    assert (len(found.runs), len(found.trainings) + len(found.evaluations)) == (0, 1)


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run, recipe, training or evaluation") as caught:
        gather(tmp_path, no_oracle)
    assert caught.value.where == str(tmp_path) and caught.value.fix
    with pytest.raises(UsageError, match="no such folder"):
        gather(tmp_path / "none", no_oracle)


def test_a_configuration_of_another_program_is_refused(tmp_path: Path, report_folders: ModuleType) -> None:
    run = report_folders.write_run(tmp_path / "run", records=2)
    config = json.loads(run.config_path.read_text())
    run.config_path.write_text(json.dumps(config | {"pipeline": config["pipeline"] | {"engines": {}}}))
    with pytest.raises(StorageError, match=r"pipeline\.engines"):
        gather(run.path, no_oracle)


def test_a_run_that_was_stopped(tmp_path: Path, report_folders: ModuleType) -> None:
    run = report_folders.write_run(tmp_path / "run", records=3)
    run.manifest_path.unlink()
    for shard in run.datasets.rglob("*.parquet"):
        shard.write_bytes(b"cut")
    found = gather(run.path, no_oracle).runs[0]
    assert (found.counts.sft_rows, found.rules.name, dict(found.versions)) == (0, None, {})
