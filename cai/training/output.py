"""The folder of a training: where each file lies, whether it may be used, and what an earlier session left there.

The folder is the model's folder at the same time. Nothing here knows a model or a trainer.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from cai.config.training import TrainingBase
from cai.errors import UsageError
from cai.store.atomic import make_folder, reporting, write_text
from cai.store.json_file import read_object

ResumeMode = Literal["never", "if_possible", "always"]

SUMMARY_VERSION = 1
_FIX = "delete the folder and train again"
_IGNORED_CHANGES = {"log_steps", "save_steps", "keep_checkpoints", "report_to", "micro_batch_size"}
"""Settings that may differ when a training goes on: they change no weight, but for the last digits."""


def is_main_process() -> bool:
    """Whether this process writes files and shows progress: `accelerate launch` numbers those it starts."""
    return int(os.environ.get("RANK", "0")) == 0


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """Paths inside the output of one training."""

    path: Path

    @property
    def config_path(self) -> Path:
        """The resolved settings."""
        return self.path / "training.json"

    @property
    def metrics_path(self) -> Path:
        """One JSON object for each logged step."""
        return self.path / "metrics.jsonl"

    @property
    def summary_path(self) -> Path:
        """Written last: its presence means that all is done."""
        return self.path / "summary.json"

    @property
    def checkpoints(self) -> Path:
        """What a stopped training goes on from."""
        return self.path / "checkpoints"

    @property
    def start_path(self) -> Path:
        """Fingerprints of the model and the data at the start."""
        return self.checkpoints / "start.json"

    @property
    def logs(self) -> Path:
        """What the libraries print."""
        return self.path / "logs"

    @classmethod
    def open(cls, path: Path, config: TrainingBase, resume: ResumeMode) -> Self:
        """Make the folder of a new training, or take that of an earlier one with the same settings.

        Args:
            path: The output folder.
            config: The resolved settings.
            resume: `never` wants a new or empty folder; `if_possible` goes on with a training that is there; `always`
                wants one to be there.

        Raises:
            UsageError: The folder does not fit `resume`, or holds something else.
            StorageError: The folder cannot be read or made.
        """
        folder = cls(path)
        if is_main_process():
            folder._check(config, resume)
            make_folder(folder.logs)
        return folder

    def summary(self) -> dict[str, Any] | None:
        """The summary of a training that is done; None if it is not."""
        return read_object(self.summary_path, _FIX) if self.summary_path.is_file() else None

    def last_checkpoint(self) -> Path | None:
        """The newest whole checkpoint: the state is what a trainer writes last."""
        found = [path for path in self.checkpoints.glob("checkpoint-*") if _is_whole(path)]
        return max(found, key=lambda path: int(path.name.split("-")[-1]), default=None)

    def begin(self, config: TrainingBase, start: Mapping[str, Any]) -> None:
        """Note the settings, and hold a resumed training to the model and the data that it began with.

        Args:
            config: The resolved settings.
            start: Fingerprints of the model and the data.

        Raises:
            UsageError: One of them has changed.
        """
        if not is_main_process():
            return
        if self.last_checkpoint() is not None:
            before = read_object(self.start_path, _FIX) if self.start_path.is_file() else {}
            changed = [name for name, value in start.items() if before.get(name) != value]
            if changed:
                what = f"{' and '.join(changed)} changed since this training began"
                raise UsageError(what, where=str(self.path), fix="choose a new folder, or delete this one")
        make_folder(self.checkpoints)
        write_text(self.start_path, _pretty(start))
        write_text(self.config_path, _pretty(config.model_dump(mode="json")))

    def keep_metrics_until(self, step: int) -> dict[str, Any]:
        """Forget what was logged after a checkpoint; returns the last row that stays, empty if there is none."""
        if not self.metrics_path.is_file():
            return {}
        # Held-out rows are measured after the checkpoint of their step, and so again.
        rows = [row for row in read_metrics(self.metrics_path) if row["step"] < step + ("loss" in row)]
        write_text(self.metrics_path, "".join(json.dumps(row) + "\n" for row in rows))
        return next((row for row in reversed(rows) if "loss" in row), {})

    def finish(self, summary: Mapping[str, Any], *, keep_checkpoints: bool) -> dict[str, Any]:
        """Write the summary, then remove the checkpoints; returns the summary."""
        row = {"schema_version": SUMMARY_VERSION, **summary}
        write_text(self.summary_path, _pretty(row))
        if not keep_checkpoints:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
        return row

    def _check(self, config: TrainingBase, resume: ResumeMode) -> None:
        where = str(self.path)
        with reporting(self.path):
            if self.path.exists() and not self.path.is_dir():
                raise UsageError("this is a file, not a folder", where=where, fix="choose another folder")
            names = sorted(entry.name for entry in self.path.iterdir()) if self.path.exists() else []
        if not self.config_path.is_file():
            if resume == "always":
                raise UsageError("there is no training to resume here", where=where, fix="check the path")
            foreign = [name for name in names if name not in ("logs", "checkpoints")]
            if foreign:
                what = f"the folder is not empty and holds no training (it holds {', '.join(foreign[:3])})"
                raise UsageError(what, where=where, fix="choose a new or empty folder")
            return
        if self.last_checkpoint() is None and not self.summary_path.is_file():
            # It ended before there was anything to go on from, as for data in the wrong columns.
            return
        if resume == "never":
            fix = "choose a new folder, or resume"
            raise UsageError("a training is here already", where=where, fix=fix)
        changed = _changes(read_object(self.config_path, _FIX), config.model_dump(mode="json"))
        if changed:
            what = f"a training with other settings is here already ({', '.join(changed)})"
            raise UsageError(what, where=where, fix="choose a new folder, give the same settings, or delete this one")


def read_metrics(path: Path) -> Iterable[dict[str, Any]]:
    """Rows of a metrics.jsonl; a last line that was cut short by a crash is left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        yield row


def _is_whole(checkpoint: Path) -> bool:
    try:
        return isinstance(json.loads((checkpoint / "trainer_state.json").read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = sorted((before.keys() | now.keys()) - _IGNORED_CHANGES)
    return [name for name in names if before.get(name) != now.get(name)]


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"
