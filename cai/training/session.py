"""One training under way: what its kind needs to build a trainer, and what is the same for all kinds around it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from peft import PeftModel
from transformers import PrinterCallback

from cai.config.training import TrainingBase
from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.engines.model_folder import TOKENIZER_FILES
from cai.engines.quiet import LogSink, redirected
from cai.records import Message
from cai.store.atomic import reporting
from cai.training.data import TrainingData
from cai.training.output import TrainingFolder, is_main_process, read_metrics
from cai.training.progress import ProgressCallback
from cai.training.setup import ModelFiles, explained, named_dtype, training_arguments
from cai.training.stats import TrainStats

ConfigT = TypeVar("ConfigT", bound=TrainingBase)

_TOKENIZER_FILES = (*TOKENIZER_FILES, "tokenizer.model", "vocab.json", "merges.txt")


@dataclass(frozen=True, slots=True)
class Session(Generic[ConfigT]):
    """Everything that the function of a kind is given.

    It builds its trainer from `arguments`, `files` and `data`, then calls `train`, `measure` and `save` with it.
    """

    config: ConfigT
    folder: TrainingFolder
    stats: TrainStats
    files: ModelFiles
    encoder: Encoder
    data: TrainingData

    def arguments(self) -> dict[str, Any]:
        """The arguments that all of TRL's configuration classes share."""
        arguments = training_arguments(self.config, self.folder)
        # A trainer that is to measure each epoch insists on something to measure.
        return arguments if self.data.heldout is not None else arguments | {"eval_strategy": "no"}

    def train(self, trainer: Any) -> None:
        """Train to the last step, from the last checkpoint if there is one.

        Raises:
            TrainingError: Memory ran out, or the loss is not a number any more.
        """
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(ProgressCallback(self.folder, self.stats))
        checkpoint = self.folder.last_checkpoint()
        with explained():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        self.stats.end("measuring")

    def measure(self, trainer: Any) -> dict[str, float | None]:
        """Figures on the held-out rows, by our names; empty if there are none or none are wanted."""
        if self.data.heldout is None or self.config.evaluate == "never":
            return {}
        # With `epoch` they may have been measured after the last step already.
        if self.stats.heldout_step != self.stats.step:
            self.stats.phase = "measuring"
            with explained():
                trainer.evaluate()
        return self.stats.heldout

    def save(self, trainer: Any) -> None:
        """Write the model, with the tokenizer and the chat template of the model at the start, byte for byte."""
        self.stats.phase = "saving"
        path = self.folder.path
        with reporting(path):
            if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
                trainer.save_model(str(path))
                # Pickled, and only of use to a trainer.
                (path / "training_args.bin").unlink(missing_ok=True)
            elif is_main_process():
                self._save_whole(trainer.accelerator.unwrap_model(trainer.model))
            if is_main_process():
                for name in _TOKENIZER_FILES:
                    if (self.files.folder / name).is_file():
                        shutil.copyfile(self.files.folder / name, path / name)
        trainer.accelerator.wait_for_everyone()

    def _save_whole(self, model: Any) -> None:
        dtype = named_dtype(self.config.save_dtype, self.files.folder)
        if not isinstance(model, PeftModel):
            self._restore_config(model)
            model.to(dtype).save_pretrained(str(self.folder.path))
        elif self.files.adapter is None:
            for adapter in model.peft_config.values():
                adapter.base_model_name_or_path = self.files.base_name()
            # Otherwise PEFT asks the hub what the base's vocabulary was.
            model.save_pretrained(str(self.folder.path), save_embedding_layers=False)
        else:
            # The new adapter belongs to a base that lies nowhere: the old adapter is merged into it.
            model = model.merge_and_unload()
            self._restore_config(model)
            model.to(dtype).save_pretrained(str(self.folder.path))

    def _restore_config(self, model: Any) -> None:
        """Undo what a trainer sets for itself, and let generation stop where the template ends a turn."""
        model.config.use_cache = True
        end = self.encoder.answer_ids(ChatPrompt((Message("user", "Hello"),)), "Hello")[-1]
        generation = getattr(model, "generation_config", None)
        if generation is not None and end not in self.encoder.eos_ids:
            generation.eos_token_id = [*self.encoder.eos_ids, end]

    def train_loss(self) -> float | None:
        """Mean loss over all logged steps."""
        path = self.folder.metrics_path
        losses = [row["loss"] for row in read_metrics(path) if "loss" in row] if path.is_file() else []
        return sum(losses) / len(losses) if losses else None


@contextmanager
def quiet(folder: TrainingFolder) -> Iterator[None]:
    """Send what the libraries print to a log file of this process."""
    rank = os.environ.get("RANK")
    sink = LogSink(folder.logs / (f"training-{rank}.log" if rank else "training.log"))
    try:
        with redirected(sink):
            yield
    finally:
        sink.close_file()
