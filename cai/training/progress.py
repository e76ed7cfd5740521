"""What a trainer tells while it works: rows of metrics.jsonl, and the counters that the terminal shows."""

import json
import math
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cai.errors import TrainingError
from cai.store.atomic import reporting
from cai.training.output import TrainingFolder
from cai.training.stats import TrainStats

_NAMES = {
    "mean_token_accuracy": "accuracy",
    "rewards/accuracies": "accuracy",
    "rewards/margins": "margin",
    "num_tokens": "tokens",
    "grad_norm": "gradient_norm",
}
"""TRL's names of figures that all kinds have, and ours."""

_LEFT_OUT = ("runtime", "samples_per_second", "steps_per_second")


class ProgressCallback(TrainerCallback):
    """Writes metrics and moves the counters; only the main process does."""

    def __init__(self, folder: TrainingFolder, stats: TrainStats) -> None:
        self._folder = folder
        self._stats = stats

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock, and pick up the figures of an earlier session."""
        last = self._folder.keep_metrics_until(state.global_step) if state.is_world_process_zero else {}
        self._stats.tokens = self._stats.tokens_before = int(last.get("tokens", 0))
        self._stats.seconds_before = float(last.get("seconds", 0.0))
        self._stats.epoch = state.epoch or 0.0
        self._stats.begin(state.max_steps, state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the step."""
        self._stats.step = state.global_step
        self._stats.epoch = state.epoch or 0.0

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Go back to training, as far as anyone is told."""
        if self._stats.training_since is not None:
            self._stats.phase = "training"

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write one row.

        Raises:
            TrainingError: The loss is not a number any more, so nothing more can be learned.
        """
        # Kept for nobody: every checkpoint would carry the figures of all steps.
        state.log_history.clear()
        figures = renamed(logs or {})
        if "loss" not in figures and "eval_loss" not in figures:
            return
        stats = self._stats
        row: dict[str, Any] = {"step": state.global_step, "epoch": figures.pop("epoch", state.epoch)}
        if "loss" in figures:
            _check_loss(figures["loss"], state.global_step)
            stats.loss, stats.accuracy = figures["loss"], figures.get("accuracy")
            stats.tokens = stats.tokens_before + int(figures.pop("tokens", 0))
            row |= {"tokens": stats.tokens, "tokens_per_s": stats.tokens_per_s, "seconds": stats.seconds}
        figures.pop("eval_tokens", None)
        if "eval_loss" in figures:
            stats.heldout_step = state.global_step
            stats.heldout = {
                name.removeprefix("eval_"): finite(value) for name, value in figures.items() if name.startswith("eval_")
            }
        if state.is_world_process_zero:
            self._write({**row, **figures})

    def _write(self, row: Mapping[str, Any]) -> None:
        with reporting(self._folder.metrics_path), self._folder.metrics_path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({name: finite(value) for name, value in row.items()}) + "\n")


def renamed(logs: Mapping[str, Any]) -> dict[str, Any]:
    """A trainer's figures under our names; `eval_` stays in front."""
    figures = {}
    for name, value in logs.items():
        prefix = "eval_" if name.startswith("eval_") else ""
        bare = name.removeprefix(prefix)
        if bare not in _LEFT_OUT:
            figures[prefix + _NAMES.get(bare, bare.replace("/", "_"))] = value
    return figures


def finite(value: Any) -> Any:
    """None for what JSON has no number for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check_loss(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        fix = "lower the learning rate, or go on in float32; a checkpoint before this step is kept"
        raise TrainingError(f"the loss is not a number any more ({loss}) at step {step}", fix=fix)
