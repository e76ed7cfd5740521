"""The frozen reference of DPO and KTO: a model of its own in memory, or only what it said before the first step."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

from cai.config.training import ReferenceSettings
from cai.training.setup import ModelFiles, half_precision, named_dtype
from cai.training.trainer import OwnTrainer

Settings = TypeVar("Settings", bound=ReferenceSettings)


class ReferenceTrainer(OwnTrainer, Generic[Settings]):
    """Mixed into TRL's trainers against a reference, before them: rows come encoded, the reference may be numbers."""

    ref_model: Any
    reference_columns: ClassVar[tuple[str, ...]]
    """Columns that hold what the reference says; one for each tensor of `reference_logps`."""

    def __init__(self, *, settings: Settings, **kwargs: Any) -> None:
        self._settings = settings
        super().__init__(**kwargs)
        if settings.reference == "precomputed":
            self.ref_model = None
        # TRL's own head computes entropies and mean logits too, for metrics that we do not show.
        add_fused_lm_head(self.model.get_base_model() if settings.lora is not None else self.model)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """Rows come encoded."""
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        return with_reference(self, dataset, self.reference_columns, batch_size)


def load_reference(config: ReferenceSettings, files: ModelFiles) -> PreTrainedModel | None:
    """The reference as a model of its own; None where the policy itself can stand for it.

    It can before the first step (`precomputed`), and without its adapter at any time. Then both compute in the same
    type, and their log-probabilities are equal to the last digit where nothing has been learned yet.

    Raises:
        TrainingError: The weights do not fit into memory.
    """
    own = config.reference == "copy" or (config.reference == "precomputed" and config.reference_dtype != "auto")
    if not own:
        return None
    name = config.reference_dtype
    if name == "auto":
        name = "bfloat16" if half_precision(config) else "float32"
    reference = files.load(AutoModelForCausalLM, named_dtype(name, files.folder))
    reference.requires_grad_(False)
    reference.train(False)
    return reference


def completion_logps(model: Any, input_ids: Tensor, attention_mask: Tensor, completion_mask: Tensor) -> Tensor:
    """Log-probability of each answer under a model with TRL's fused head. # [B]

    Args:
        model: A causal model for which TRL's `add_fused_lm_head` was called.
        input_ids: Prompt and answer of each row. # [B, T]
        attention_mask: 0 where a row is filled up. # [B, T]
        completion_mask: 1 on the tokens of the answer. # [B, T]
    """
    outputs = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        labels=input_ids.masked_fill(completion_mask == 0, -100),
        use_cache=False,
        fused_lm_head=True,
    )
    logps: Tensor = outputs.log_probs.sum(dim=1)
    return logps


def with_reference(trainer: Any, dataset: Any, columns: Sequence[str], batch_size: int) -> Any:
    """Add what the reference says of each row to a dataset: in memory, every different row once, shortest first.

    Args:
        trainer: Has `reference_logps(batch)`, which gives one tensor [B] for each column.
        dataset: Encoded rows with the columns `row` and `length`.
        columns: Names of the new columns.
        batch_size: Rows that a process takes at once.
    """
    rows, lengths = list(dataset["row"]), list(dataset["length"])
    order = sorted({row: place for place, row in enumerate(rows)}.values(), key=lengths.__getitem__)
    loader: Any = DataLoader(dataset.select(order), batch_size=batch_size, collate_fn=trainer.data_collator)
    known: list[list[float]] = []
    for batch in trainer.accelerator.prepare(loader):
        logps = trainer.accelerator.gather_for_metrics(trainer.reference_logps(batch))
        known += torch.stack(tuple(logps), dim=1).tolist()
    by_row = {rows[place]: logps for place, logps in zip(order, known, strict=True)}
    for index, column in enumerate(columns):
        dataset = dataset.add_column(column, [by_row[row][index] for row in rows])
    return dataset
