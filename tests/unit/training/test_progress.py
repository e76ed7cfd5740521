"""A trainer's figures become rows of metrics.jsonl and counters, by our names."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from cai.errors import TrainingError
from cai.training.output import TrainingFolder
from cai.training.progress import ProgressCallback, renamed
from cai.training.stats import TrainStats


@pytest.fixture
def callback(tmp_path: Path) -> ProgressCallback:
    return ProgressCallback(TrainingFolder(tmp_path), TrainStats())


@pytest.fixture
def state() -> TrainerState:
    return TrainerState(global_step=3, epoch=0.5, max_steps=10, is_world_process_zero=True)


def log(callback: ProgressCallback, state: TrainerState, **logs: Any) -> None:
    callback.on_log(TrainingArguments(use_cpu=True), state, TrainerControl(), logs=logs)


def test_figures_get_our_names() -> None:
    assert renamed({"loss": 1.0, "mean_token_accuracy": 0.5, "grad_norm": 2.0}) == {
        "loss": 1.0,
        "accuracy": 0.5,
        "gradient_norm": 2.0,
    }
    theirs = {
        "eval_rewards/accuracies": 1.0,
        "eval_logps/chosen": -3.0,
        "eval_runtime": 9.0,
        "eval_steps_per_second": 1.0,
    }
    assert renamed(theirs) == {"eval_accuracy": 1.0, "eval_logps_chosen": -3.0}


def test_a_row_has_what_json_can_say(callback: ProgressCallback, state: TrainerState, tmp_path: Path) -> None:
    log(callback, state, loss=1.5, grad_norm=float("inf"), learning_rate=0.1, num_tokens=40.0, epoch=0.5)
    log(callback, state, eval_loss=float("nan"), eval_num_tokens=40.0, epoch=0.5)
    log(callback, state, train_runtime=3.0, train_loss=1.0, epoch=0.5)
    first, second = (json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert (first["step"], first["loss"], first["gradient_norm"], first["tokens"]) == (3, 1.5, None, 40)
    assert second == {"step": 3, "epoch": 0.5, "eval_loss": None}


def test_the_counters_go_on_from_an_earlier_session(state: TrainerState, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "loss": 1, "tokens": 100, "seconds": 7.0}\n')
    stats = TrainStats()
    callback = ProgressCallback(TrainingFolder(tmp_path), stats)
    callback.on_train_begin(TrainingArguments(use_cpu=True), state, TrainerControl())
    log(callback, state, loss=1.5, num_tokens=40.0)
    assert (stats.total_steps, stats.first_step, stats.tokens, stats.loss) == (10, 3, 140, 1.5)
    assert stats.seconds >= 7.0


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_an_error(callback: ProgressCallback, state: TrainerState, loss: float) -> None:
    with pytest.raises(TrainingError, match="at step 3"):
        log(callback, state, loss=loss)


def test_only_the_main_process_writes(callback: ProgressCallback, state: TrainerState, tmp_path: Path) -> None:
    state.is_world_process_zero = False
    log(callback, state, loss=1.0)
    assert not (tmp_path / "metrics.jsonl").exists()
