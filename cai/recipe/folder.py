"""The folder of a recipe: whose it is, and how an earlier result makes way for a new one. Nothing is ever deleted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cai.errors import UsageError
from cai.recipe.plan import PlannedStage
from cai.recipe.state import FILE, StageState
from cai.recipe.train_stage import ANY_WAY
from cai.store.atomic import make_folder, reporting

REPLACED = "replaced"
# What a session that was stopped before its first stage has left.
_LEFT_BY_A_START = {"lock", "configs"}


def claim_folder(folder: Path) -> None:
    """Check that a folder is new, empty, or that of a recipe.

    Raises:
        UsageError: It holds something else.
        StorageError: It cannot be read.
    """
    with reporting(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError("this is a file, not a folder", where=str(folder), fix="choose another folder")
        names = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    foreign = [name for name in names if name not in _LEFT_BY_A_START and not name.startswith(f".{FILE}.")]
    if foreign and not (folder / FILE).is_file():
        some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        what = f"the folder is not empty and holds no recipe (it holds {some})"
        raise UsageError(what, where=str(folder), fix="choose a new or empty folder")


def make_way(folder: Path, stage: PlannedStage, before: StageState, *, same: bool) -> None:
    """Prepare a stage's own folder for being run.

    A generate and an eval stage keep what they have asked in a journal and take from it whatever still holds, so they
    stay. A training stays only if it can go on as it began; else it is moved aside.

    Args:
        folder: The recipe's folder.
        stage: The stage.
        before: What is known of it.
        same: Its fingerprint is that under which it was begun.

    Raises:
        UsageError: Something that is not of this recipe is in the way.
        StorageError: A folder cannot be moved.
    """
    if not stage.out.exists():
        return
    if not before.begun:
        what = f"something that the stage `{stage.name}` has not made is in its place"
        raise UsageError(what, where=str(stage.out), fix="move it away, or choose another folder")
    stays = before.kind == stage.kind and (stage.kind != "train" or (same and _can_go_on(stage, before)))
    if not stays:
        move_aside(folder, stage.out.name)


def move_aside(folder: Path, name: str) -> None:
    """Rename a stage's result to `replaced/NAME.N`, where it stays until a person deletes it.

    Raises:
        StorageError: It cannot be moved.
    """
    place = folder / name
    if not place.exists():
        return
    make_folder(folder / REPLACED)
    number = 1
    while (aside := folder / REPLACED / f"{name}.{number}").exists():
        number += 1
    with reporting(place):
        place.rename(aside)


def _can_go_on(stage: PlannedStage, before: StageState) -> bool:
    """Whether a training that was stopped would take these settings, paths included."""
    if before.finished_at is not None or stage.settings is None:
        return False
    begun = _settings_of(stage.out)
    wanted = {key: value for key, value in stage.settings.items() if key not in ANY_WAY}
    return begun is None or all(begun.get(key) == value for key, value in wanted.items())


def _settings_of(out: Path) -> Mapping[str, Any] | None:
    """The settings with which a training was begun; None if it had not come so far."""
    path = out / "training.json"
    if not path.is_file():
        return None
    with reporting(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
