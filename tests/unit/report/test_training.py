"""Trainings are read from their files, whatever is missing in them."""

import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from cai.report.training import MOST_POINTS, Bin, Curve, is_training, read_training


def test_a_reward_model(tmp_path: Path, report_folders: ModuleType) -> None:
    found = read_training(report_folders.write_training(tmp_path / "reward", "reward"))
    assert (found.name, found.kind) == ("reward", "reward")
    assert set(found.curves) == {"loss", "accuracy", "learning_rate", "eval_loss", "eval_accuracy"}
    # The last line of metrics.jsonl was cut.
    assert len(found.curves["loss"].kept) == 120 and found.curves["eval_loss"].kept == [(120, 0.5)]
    reward = found.reward
    assert reward is not None
    assert (reward.accuracy, reward.ece, reward.ece_before, reward.n) == (0.94, 0.031, 0.112, 96)
    assert reward.reliability[0] == Bin(0.05, pytest.approx(0.07), 10)
    assert [(part.name, part.n) for part in reward.by_hazard] == [("hte", 22), ("prv", 21), ("vcr", 20)]
    names = [part.name for part in reward.by_length]
    assert names == ["\N{MINUS SIGN}12 to \N{MINUS SIGN}1", "0 to +4", "+5 to +20"]
    assert reward.by_length[2].accuracy is None


def test_a_training_that_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(json.dumps({"kind": "sft", "model": "m"}))
    assert is_training(tmp_path)
    found = read_training(tmp_path, "mine")
    assert (found.name, found.kind, found.summary, found.curves, found.reward) == ("mine", "sft", {}, {}, None)
    assert not is_training(tmp_path / "none")


def test_null_figures_stay_unknown(tmp_path: Path) -> None:
    nothing = {"heldout_accuracy": None, "ece": None, "by_hazard": None, "reliability": None, "n": 0}
    (tmp_path / "summary.json").write_text(json.dumps({"kind": "reward", "reward_model": nothing}))
    (tmp_path / "metrics.jsonl").write_text('{"loss": 1}\n{"step": 2, "loss": null}\n')
    found = read_training(tmp_path)
    assert found.curves == {}
    assert found.reward is not None
    assert (found.reward.accuracy, found.reward.by_hazard, found.reward.reliability) == (None, (), ())


def test_a_curve_of_any_length_keeps_few_points_from_end_to_end() -> None:
    curve = Curve()
    for step in range(100_000):
        curve.add(step, float(step))
    steps = [step for step, _ in curve.kept]
    assert MOST_POINTS // 2 <= len(steps) <= MOST_POINTS
    assert steps[0] == 0 and steps[-1] > 99_000
    assert len({b - a for a, b in pairwise(steps)}) == 1
