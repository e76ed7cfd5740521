"""Whole recipes of real processes on the scripted engine: what runs, what is reused, and how a failure ends it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.errors import RunInUse, UsageError
from cai.recipe.plan import PlannedStage, Recipe
from cai.recipe.preview import foresee
from cai.recipe.run import StageFailed, run_recipe
from cai.recipe.state import FILE, RecipeState, StageState
from cai.store.lock import RunLock

Plan = Callable[..., Recipe]
ENGINE = {"kind": "scripted", "call_log": "calls"}
MADE = {"name": "made", "kind": "generate"}
OTHER = {"name": "other", "kind": "generate", "generate": {"seed": 9}}
AGAIN = {"name": "again", "kind": "generate", "prompts": "made"}


class Silent:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begins(self, number: int, stage: PlannedStage, why: str) -> None:
        self.told.append(f"{number} {stage.name} {why}")

    def ended(self, number: int, stage: PlannedStage, state: StageState) -> None:
        self.told.append(f"{number} {stage.name} {state.status}")


def statuses(recipe: Recipe, *only: str) -> dict[str, str]:
    state = run_recipe(recipe, Silent(), only)
    return {name: stage.status for name, stage in state.stages.items()}


def calls() -> int:
    return Path("calls").read_bytes().count(b"\n")


def test_a_second_time_nothing_is_run(plan: Plan, folder: Path) -> None:
    recipe = plan(MADE, AGAIN, engines={"default": ENGINE})
    watcher = Silent()
    state = run_recipe(recipe, watcher)
    assert watcher.told == ["1 made new", "1 made done", "2 again new", "2 again done"]
    before = calls()
    assert statuses(recipe) == {"made": "reused", "again": "reused"}
    assert calls() == before
    written = json.loads((folder / "out" / FILE).read_text())
    assert (written["schema_version"], written["pipeline"]) == (1, "demo")
    first = written["stages"][0]
    assert (first["name"], first["kind"], first["status"], first["out"]) == (
        "made",
        "generate",
        "reused",
        str(folder / "out" / "made"),
    )
    assert first["seconds"] == state.stages["made"].seconds > 0
    assert first["fingerprint"] == state.stages["made"].fingerprint


def test_an_edit_runs_its_stage_and_those_that_read_it(plan: Plan) -> None:
    run_recipe(plan(MADE, OTHER, AGAIN), Silent())
    watcher = Silent()
    edited = plan({**MADE, "generate": {"split": {"eval": 0.6}}}, OTHER, AGAIN)
    assert [(one.stage.name, one.verdict, one.why) for one in foresee(edited)] == [
        ("made", "run", "changed: settings"),
        ("other", "reused", "unchanged"),
        ("again", "perhaps", "follows made"),
    ]
    run_recipe(edited, watcher)
    assert watcher.told == [
        "1 made changed: settings",
        "1 made done",
        "2 other reused",
        "3 again changed: prompts",
        "3 again done",
    ]


def test_a_stage_whose_inputs_come_out_the_same_is_reused(plan: Plan) -> None:
    run_recipe(plan(MADE, AGAIN), Silent())
    # More rounds change the datasets, but not which prompts are kept.
    assert statuses(plan({**MADE, "generate": {"rounds": 2}}, AGAIN)) == {"made": "done", "again": "reused"}


def test_a_result_that_has_gone_is_made_anew(plan: Plan, folder: Path) -> None:
    recipe = plan(MADE, OTHER)
    run_recipe(recipe, Silent())
    shutil.rmtree(folder / "out" / "made")
    watcher = Silent()
    run_recipe(recipe, watcher)
    assert watcher.told == ["1 made manifest.json is gone", "1 made done", "2 other reused"]


def test_the_folder_may_be_moved(plan: Plan, folder: Path) -> None:
    run_recipe(plan(MADE, AGAIN), Silent())
    (folder / "out").rename(folder / "moved")
    assert statuses(plan(MADE, AGAIN, out=folder / "moved")) == {"made": "reused", "again": "reused"}


def test_failed_records_are_a_note_and_no_end(plan: Plan, folder: Path) -> None:
    with (folder / "p.jsonl").open("a") as file:
        file.write('{"prompt": "[[fail]]"}\n')
    state = run_recipe(plan(MADE, OTHER), Silent())
    assert [stage.status for stage in state.stages.values()] == ["done", "done"]
    assert state.stages["made"].note is not None and state.stages["made"].note.startswith("1 records failed")


def test_a_failure_ends_the_recipe_with_its_code_and_the_way_on(plan: Plan, folder: Path) -> None:
    broken = {**OTHER, "engines": {"default": {"kind": "vllm", "model": "not-there"}}}
    with pytest.raises(StageFailed) as caught:
        run_recipe(plan(MADE, broken, AGAIN), Silent())
    error = caught.value
    assert error.exit_code == 4
    assert error.what.startswith("the stage `other` failed: ")
    assert error.fix is not None and "the same command goes on from there" in error.fix
    state = RecipeState.read(folder / "out")
    assert state is not None
    assert [stage.status for stage in state.stages.values()] == ["done", "failed", "pending"]
    assert statuses(plan(MADE, OTHER, AGAIN)) == {"made": "reused", "other": "done", "again": "done"}


def test_only_some_stages(plan: Plan) -> None:
    recipe = plan(MADE, OTHER, AGAIN)
    with pytest.raises(UsageError, match="`again` builds on the stage `made`, and that has not come to its end yet"):
        run_recipe(recipe, Silent(), ["again"])
    assert statuses(recipe, "made") == {"made": "done", "other": "pending", "again": "pending"}
    assert statuses(recipe, "again") == {"made": "done", "other": "pending", "again": "done"}
    edited = plan({**MADE, "generate": {"rounds": 2}}, OTHER, AGAIN)
    with pytest.raises(UsageError, match="the stage `made`, and that has changed since it was run"):
        run_recipe(edited, Silent(), ["again"])
    with pytest.raises(UsageError, match="no stage `agian`"):
        run_recipe(recipe, Silent(), ["agian"])


def test_a_second_driver_is_refused(plan: Plan, folder: Path) -> None:
    (folder / "out").mkdir()
    lock = RunLock.acquire(folder / "out" / "lock")
    with pytest.raises(RunInUse):
        run_recipe(plan(MADE), Silent())
    lock.release()
    assert statuses(plan(MADE)) == {"made": "done"}


def test_a_folder_of_something_else_is_not_touched(plan: Plan, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="holds no recipe"):
        run_recipe(plan(MADE), Silent())
    assert [path.name for path in (folder / "out").iterdir()] == ["mine.txt"]


def test_a_folder_of_another_pipeline_is_refused(plan: Plan) -> None:
    run_recipe(plan(MADE), Silent())
    with pytest.raises(UsageError, match="a run of the pipeline `demo`, not of `other`"):
        run_recipe(plan(MADE, name="other"), Silent())


def test_what_a_stage_has_not_made_is_not_overwritten(plan: Plan, folder: Path) -> None:
    run_recipe(plan(MADE), Silent())
    (folder / "out" / "other").mkdir()
    (folder / "out" / "other" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="in its place"):
        run_recipe(plan(MADE, OTHER), Silent())
    assert (folder / "out" / "other" / "mine.txt").read_text() == "x"


def test_what_a_stage_that_is_no_more_had_made_is_moved_aside(plan: Plan, folder: Path) -> None:
    run_recipe(plan(MADE, OTHER), Silent())
    assert statuses(plan(MADE)) == {"made": "reused"}
    assert (folder / "out" / "replaced" / "other.1" / "manifest.json").is_file()


def test_nothing_is_made_for_a_mistyped_path(plan: Plan, folder: Path) -> None:
    with pytest.raises(UsageError):
        run_recipe(plan(MADE, prompts="q.jsonl"), Silent())
    assert not (folder / "out").exists()


def test_kept_prompts_are_written_for_those_who_read_them(plan: Plan, folder: Path) -> None:
    run_recipe(plan(MADE, AGAIN), Silent())
    rows = [json.loads(line) for line in (folder / "out" / "prompts" / "made.jsonl").read_text().splitlines()]
    assert 0 < len(rows) < 12
    assert {row["hazard"] for row in rows} == {"vcr"}
    none = plan({**MADE, "generate": {"split": {"eval": 0}}}, AGAIN)
    with pytest.raises(UsageError, match="kept no prompts for evaluation"):
        run_recipe(none, Silent())


def state_of(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((folder / "out" / FILE).read_text())
    return row


def test_a_state_that_is_not_ours_is_said(plan: Plan, folder: Path) -> None:
    run_recipe(plan(MADE), Silent())
    row = state_of(folder)
    (folder / "out" / FILE).write_text(json.dumps(row | {"schema_version": 9}))
    with pytest.raises(Exception, match="unknown format"):
        run_recipe(plan(MADE), Silent())
    (folder / "out" / FILE).write_text("{")
    with pytest.raises(Exception, match="not the state of a recipe"):
        run_recipe(plan(MADE), Silent())
