"""Runs a recipe: each stage that is owed, one after the other, each as a process of its own.

A stage is owed unless it came to its end under the same fingerprint and its result is still there. One that was stopped
goes on in its own folder; one whose inputs have changed is done anew, and what it had made is moved aside.
"""

import json
import shlex
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cai.errors import CaiError, UsageError
from cai.recipe.folder import claim_folder, make_way, move_aside
from cai.recipe.inputs import Fingerprint, check_inputs, stage_fingerprint
from cai.recipe.kept import write_kept
from cai.recipe.plan import PlannedStage, Recipe
from cai.recipe.process import Ended, run_process
from cai.recipe.settings_file import write_settings
from cai.recipe.state import RecipeState, StageState
from cai.store.atomic import make_folder
from cai.store.lock import RunLock

FAILED_RECORDS = 3
"""Exit code of a stage that came to its end, but with records that failed."""
INTERRUPTED = 130

_GO_ON = "the same command goes on from there"


class StageFailed(CaiError):
    """A stage ended before its time; the recipe ends with the same exit code."""

    kind = "stage"

    def __init__(self, what: str, *, where: str, fix: str, exit_code: int) -> None:
        super().__init__(what, where=where, fix=fix)
        self.exit_code = exit_code


class Watcher(Protocol):
    """Is told of each stage as its turn comes; `number` counts from 1."""

    def begins(self, number: int, stage: PlannedStage, why: str) -> None:
        """The stage is run, and why."""
        ...

    def ended(self, number: int, stage: PlannedStage, state: StageState) -> None:
        """The stage has come to its end, or need not be run."""
        ...


def run_recipe(recipe: Recipe, watcher: Watcher, only: Collection[str] = ()) -> RecipeState:
    """Run every stage that is owed.

    Args:
        recipe: The resolved recipe.
        watcher: Is told what happens.
        only: Names of stages; the others are left as they are.

    Raises:
        StageFailed: A stage ended before its time, or was stopped.
        UsageError: The folder holds something else, or a stage of `only` reads what is not there yet.
        RunInUse: Another process runs a recipe in this folder.
        CaiError: A file that a stage reads is missing or not valid; nothing was run then.
    """
    wanted = {recipe.stage(name).name for name in only} or {stage.name for stage in recipe.stages}
    check_inputs(recipe)
    claim_folder(recipe.folder)
    make_folder(recipe.folder)
    lock = RunLock.acquire(recipe.folder / "lock")
    try:
        before = RecipeState.read(recipe.folder)
        state = RecipeState.opened(recipe.folder, recipe.name, [(stage.name, stage.kind) for stage in recipe.stages])
        for old in before.stages.values() if before else ():
            if old.name not in state.stages and old.out is not None:
                move_aside(recipe.folder, Path(old.out).name)
        state.write()
        for number, stage in enumerate(recipe.stages, start=1):
            if stage.name in wanted:
                if only:
                    _check_needs(recipe, state, stage)
                _Turn(recipe, state, watcher, number, stage).take()
        return state
    finally:
        lock.release()


def is_current(recipe: Recipe, state: RecipeState, stage: PlannedStage) -> bool:
    """Whether the stage came to its end with exactly what it would be given now, and its result is there."""
    if _first_owed(recipe, state, stage) is not None:
        return False
    return _reusable(stage, state.stages[stage.name], stage_fingerprint(stage))


def reason(stage: PlannedStage, before: StageState, now: Fingerprint) -> str:
    """Why a stage is owed, for people."""
    if not before.begun:
        return "new"
    if before.fingerprint != now.value:
        return f"changed: {', '.join(now.changed(before.parts)) or 'its kind'}"
    return "goes on" if before.finished_at is None else f"{stage.result.name} is gone"


def _reusable(stage: PlannedStage, before: StageState, now: Fingerprint) -> bool:
    return before.finished_at is not None and before.fingerprint == now.value and stage.result.is_file()


def _check_needs(recipe: Recipe, state: RecipeState, stage: PlannedStage) -> None:
    # A report is of what there is.
    owed = None if stage.kind == "report" else _first_owed(recipe, state, stage)
    if owed is not None:
        again = "has changed since it was run" if state.stages[owed.name].finished_at else "has not come to its end yet"
        what = f"`{stage.name}` builds on the stage `{owed.name}`, and that {again}"
        fix = f"run that stage first, with --only {owed.name}, or leave --only out"
        raise UsageError(what, where=str(recipe.folder), fix=fix)


def _first_owed(recipe: Recipe, state: RecipeState, stage: PlannedStage) -> PlannedStage | None:
    """The first of the stages on which a stage builds that would have to be run; None if all stand."""
    for need in map(recipe.stage, stage.needs):
        owed = _first_owed(recipe, state, need)
        if owed is not None:
            return owed
        if not _reusable(need, state.stages[need.name], stage_fingerprint(need)):
            return need
    return None


@dataclass(frozen=True)
class _Turn:
    """The turn of one stage."""

    recipe: Recipe
    state: RecipeState
    watcher: Watcher
    number: int
    stage: PlannedStage

    def take(self) -> None:
        """Reuse what the stage has made, or run it to its end."""
        stage, state = self.stage, self.state
        now, before = stage_fingerprint(stage), state.stages[stage.name]
        if _reusable(stage, before, now):
            self.watcher.ended(self.number, stage, state.put(stage.name, status="reused"))
            return
        make_way(state.folder, stage, before, same=before.fingerprint == now.value)
        if stage.settings is not None:
            write_settings(stage.settings_file, stage.name, stage.settings)
        write_kept(stage, state.folder)
        self._begin(now)
        self.watcher.begins(self.number, stage, reason(stage, before, now))
        since = time.monotonic()
        ended = run_process([sys.executable, "-m", "cai.cli.main", *stage.arguments])
        self._end(ended, round(time.monotonic() - since, 3))

    def _begin(self, now: Fingerprint) -> None:
        self.state.owe(self.recipe.followers(self.stage.name))
        self.state.put(
            self.stage.name,
            kind=self.stage.kind,
            status="pending",
            seconds=None,
            fingerprint=now.value,
            parts=dict(now.parts),
            out=str(self.stage.out),
            started_at=_utc_now(),
            finished_at=None,
            note=None,
        )

    def _end(self, ended: Ended, seconds: float) -> None:
        stage, state = self.stage, self.state
        row = _last_object(ended.stdout)
        failure = _failure(stage, ended, row)
        if failure is None:
            note = _note(stage, row) if ended.code == FAILED_RECORDS else None
            done = state.put(stage.name, status="done", seconds=seconds, finished_at=_utc_now(), note=note)
            self.watcher.ended(self.number, stage, done)
        if ended.stopped_by is not None:
            when = f"{'in' if failure else 'after'} the stage `{stage.name}`"
            raise StageFailed(f"stopped {when}", where=str(state.folder), fix=_GO_ON, exit_code=INTERRUPTED)
        if failure is not None:
            state.put(stage.name, status="failed", seconds=seconds, note=failure.what)
            raise failure


def _failure(stage: PlannedStage, ended: Ended, row: dict[str, Any]) -> StageFailed | None:
    told = row.get("error")
    told = told if isinstance(told, dict) else {}
    if ended.code in (0, FAILED_RECORDS) and not told:
        if stage.result.is_file():
            return None
        told = {"what": f"it left no {stage.result.name}"}
    what = told.get("what") or _ending(ended.code)
    fix = "; ".join(filter(None, (told.get("fix"), _GO_ON)))
    return StageFailed(
        f"the stage `{stage.name}` failed: {what}",
        where=str(told.get("where") or stage.out),
        fix=fix,
        exit_code=ended.code if ended.code not in (0, FAILED_RECORDS) else StageFailed.exit_code,
    )


def _ending(code: int) -> str:
    if code == 128 + 9:
        return "it was killed (signal 9), perhaps because memory ran out"
    return f"it was ended by signal {code - 128}" if code > 128 else f"it ended with code {code}"


def _note(stage: PlannedStage, row: dict[str, Any]) -> str:
    counts = row.get("counts")
    failed = counts.get("failed") if isinstance(counts, dict) else None
    return f"{failed or 'some'} records failed; run this stage's command again to try them once more: {_typed(stage)}"


def _typed(stage: PlannedStage) -> str:
    return shlex.join(["cai", *stage.arguments])


def _last_object(stdout: str) -> dict[str, Any]:
    """The JSON object in the last line that a command printed; empty if there is none."""
    for line in reversed(stdout.splitlines()):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                return {}
            return row if isinstance(row, dict) else {}
    return {}


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
