"""Models and arguments for the trainers: what is loaded in which type, and how a step is divided.

The one place that turns our settings into those of transformers and PEFT. Nothing here reads data or trains.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
from transformers.training_args import OptimizerNames

from cai.config.training import TrainingBase
from cai.engines.encoding import Encoder
from cai.engines.model_folder import find_adapted, model_fingerprint, read_json
from cai.errors import TrainingError, UsageError
from cai.resources import SHIPPED_MODELS
from cai.training.output import TrainingFolder
from cai.yaml_model import nearest

_SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
_NO_MEMORY = ("out of memory", "can't allocate memory", "cublas_status_alloc_failed")
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the model at the start lies: its folder, and that of an adapter which is to be merged into it first."""

    name: str
    folder: Path
    adapter: Path | None

    @classmethod
    def find(cls, model: str) -> "ModelFiles":
        """Look a model up: a folder, a name on the hub, or a shipped one.

        Raises:
            EngineError: There is no such model, or files are missing.
        """
        return cls(model, *find_adapted(model))

    def fingerprint(self) -> str:
        """Hash of all that determines what the model says."""
        return model_fingerprint(self.folder, (), (self.adapter,) if self.adapter else ())

    def base_name(self) -> str:
        """Where an adapter is to look for its model: the hub name, or the folder from wherever it is asked."""
        known = self.name in SHIPPED_MODELS or Path(self.name).is_dir()
        return str(self.folder.resolve()) if known else self.name

    def encoder(self) -> Encoder:
        """The encoder that inference uses for this model."""
        return Encoder(self.folder)

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer as the trainers want it, with a token that fills short rows: masked, so any will do."""
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
        return tokenizer

    def load(self, auto_class: Any, dtype: torch.dtype, **options: Any) -> PreTrainedModel:
        """The model with its weights in one type; an adapter is merged in.

        Args:
            auto_class: transformers' class of models with the head that is wanted.
            dtype: Type of the weights.
            options: Further arguments of `from_pretrained`.

        Raises:
            TrainingError: The weights do not fit into memory.
        """
        with explained():
            model = auto_class.from_pretrained(self.folder, dtype=dtype, local_files_only=True, **options)
            if self.adapter is None:
                return model  # type: ignore[no-any-return]
            settings = PeftConfig.from_pretrained(str(self.adapter))
            # Merging needs no task, and the head here may be another than that of the adapter's model.
            settings.task_type = None
            merged = PeftModel.from_pretrained(model, str(self.adapter), config=settings).merge_and_unload()
            # PEFT has frozen what lies under an adapter.
            return merged.requires_grad_(True)  # type: ignore[no-any-return]


@contextmanager
def explained() -> Iterator[None]:
    """Turn what libraries raise for reasons that the user can mend into errors that say how.

    Raises:
        TrainingError: Memory ran out.
        UsageError: The adapter's modules are not in the model.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error).lower() for words in _NO_MEMORY):
            raise
        fix = "lower micro_batch_size or max_length, set gradient_checkpointing or lora, or use more devices"
        raise TrainingError("memory ran out", fix=fix) from error
    except ValueError as error:
        if not str(error).startswith("Target modules"):
            raise
        fix = "name modules of this model, or leave the list empty for every linear layer"
        raise UsageError("the model has no modules of these names", where="lora.targets", fix=fix) from error


def check_names(config: TrainingBase) -> None:
    """Look up what is only a name in our settings, before anything is loaded.

    Raises:
        UsageError: transformers knows no such optimizer or place for metrics, it is not installed, or the GPU cannot
            compute in bfloat16.
    """
    optimizers = [name.value for name in OptimizerNames]
    if config.optimizer not in optimizers:
        best = nearest(config.optimizer, optimizers)
        fix = f"did you mean {best}?" if best else f"use one of {', '.join(sorted(optimizers))}"
        raise UsageError(f"there is no optimizer {config.optimizer!r}", where="optimizer", fix=fix)
    for name in config.report_to:
        if name not in INTEGRATION_TO_CALLBACK:
            fix = f"use one of {', '.join(sorted(INTEGRATION_TO_CALLBACK))}"
            raise UsageError(f"metrics cannot be sent to {name!r}", where="report_to", fix=fix)
        if find_spec(name) is None:
            raise UsageError(f"{name} is not installed", where="report_to", fix=f"pip install {name}, or leave it out")
    if config.dtype == "bfloat16" and on_gpu() and not torch.cuda.is_bf16_supported():
        raise UsageError("this GPU cannot compute in bfloat16", where="dtype", fix="use float32")


def on_gpu() -> bool:
    """Whether there is a GPU to train on; `accelerate launch --cpu` says not to use it."""
    forbidden = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    return torch.cuda.is_available() and not forbidden


def half_precision(config: TrainingBase) -> bool:
    """Whether to compute in bfloat16."""
    if config.dtype == "auto":
        return on_gpu() and torch.cuda.is_bf16_supported()
    return config.dtype == "bfloat16"


def weights_dtype(config: TrainingBase) -> torch.dtype:
    """Type in which the weights are held: float32 if they are trained; half may do if they are frozen."""
    return torch.bfloat16 if config.lora is not None and half_precision(config) else torch.float32


def named_dtype(name: str, folder: Path) -> torch.dtype:
    """A type by its name; `auto` is that in which the model in `folder` was saved."""
    if name == "auto":
        name = str(read_json(folder / "config.json").get("dtype") or "float32")
    return _DTYPES.get(name, torch.float32)


def lora_config(config: TrainingBase, task: str) -> LoraConfig | None:
    """PEFT's settings of the adapter; None for full training.

    Args:
        config: Our settings.
        task: PEFT's name of what the model does, `CAUSAL_LM` or `SEQ_CLS`.
    """
    lora = config.lora
    if lora is None:
        return None
    targets: str | list[str] = list(lora.targets) if lora.targets else "all-linear"
    return LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type=task
    )


def longest_row(config: TrainingBase, folder: Path) -> int:
    """Most tokens that a row may have: what was asked for, or what the model was made for if that is less."""
    own = read_json(folder / "config.json").get("max_position_embeddings")
    return min(config.max_length, own) if isinstance(own, int) else config.max_length


def micro_batch(config: TrainingBase) -> tuple[int, int]:
    """Rows that a process takes at once, and how often it does so in a step.

    Raises:
        UsageError: The batch cannot be divided evenly among the processes.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if config.batch_size % processes:
        what = f"batch_size {config.batch_size} cannot be divided among {processes} processes"
        raise UsageError(what, where="batch_size", fix=f"use a multiple of {processes}")
    share = config.batch_size // processes
    most = min(share, config.micro_batch_size)
    at_once = next(size for size in range(most, 0, -1) if share % size == 0)
    return at_once, share // at_once


def training_arguments(config: TrainingBase, folder: TrainingFolder) -> dict[str, Any]:
    """The arguments that all of TRL's configuration classes share.

    Checkpoints go into `folder.checkpoints`; rows are tokenised, batched and measured by us, so nothing is mapped,
    removed or shown by the trainer.
    """
    at_once, accumulated = micro_batch(config)
    gpu = on_gpu()
    return {
        "output_dir": str(folder.checkpoints),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": _SCHEDULES[config.schedule],
        "warmup_steps": config.warmup,
        "per_device_train_batch_size": at_once,
        "per_device_eval_batch_size": at_once,
        "gradient_accumulation_steps": accumulated,
        "optim": config.optimizer,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "gradient_checkpointing": config.gradient_checkpointing,
        "bf16": half_precision(config),
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "seed": config.seed,
        "eval_strategy": "epoch" if config.evaluate == "epoch" else "no",
        "prediction_loss_only": True,
        "logging_steps": config.log_steps,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if config.save_steps else "no",
        "save_steps": config.save_steps or 1,
        "save_total_limit": 1,
        "report_to": list(config.report_to) or "none",
        "run_name": folder.path.name,
        "disable_tqdm": True,
        "remove_unused_columns": False,
    }
