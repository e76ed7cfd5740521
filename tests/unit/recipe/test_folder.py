"""How an earlier training makes way for a new one."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai.recipe.folder import make_way
from cai.recipe.plan import PlannedStage
from cai.recipe.state import StageState

SETTINGS: dict[str, Any] = {"kind": "sft", "model": "a", "epochs": 1.0, "micro_batch_size": 4}


def stage(folder: Path, **settings: Any) -> PlannedStage:
    out = folder / "sft"
    return PlannedStage("sft", "train", out, folder / "x.yaml", SETTINGS | settings, ("train",), (), {})


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A recipe's folder with a training that has begun."""
    (tmp_path / "sft").mkdir()
    (tmp_path / "sft" / "training.json").write_text(json.dumps(SETTINGS))
    return tmp_path


STOPPED = StageState("sft", "train", started_at="now")
FINISHED = StageState("sft", "train", started_at="now", finished_at="later")


def test_a_training_that_was_stopped_stays_to_go_on(begun: Path) -> None:
    make_way(begun, stage(begun, micro_batch_size=1), STOPPED, same=True)
    assert (begun / "sft" / "training.json").is_file()


@pytest.mark.parametrize(
    ("before", "same", "settings"),
    [
        pytest.param(STOPPED, False, {}, id="other inputs"),
        pytest.param(STOPPED, True, {"model": "./a"}, id="a path written in another way"),
        pytest.param(FINISHED, True, {}, id="finished, but its result has gone"),
        pytest.param(StageState("sft", "generate", started_at="now"), True, {}, id="of another kind"),
    ],
)
def test_else_it_is_moved_aside(before: StageState, same: bool, settings: dict[str, Any], begun: Path) -> None:
    make_way(begun, stage(begun, **settings), before, same=same)
    assert not (begun / "sft").exists()
    assert (begun / "replaced" / "sft.1" / "training.json").is_file()


def test_nothing_aside_is_written_over(begun: Path) -> None:
    make_way(begun, stage(begun), FINISHED, same=True)
    (begun / "sft").mkdir()
    make_way(begun, stage(begun), FINISHED, same=True)
    assert sorted(path.name for path in (begun / "replaced").iterdir()) == ["sft.1", "sft.2"]
