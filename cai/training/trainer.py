"""What all of our trainers change in TRL's: the order of rows, and what is sent or written unasked."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler


class StepSampler(Sampler[int]):
    """Rows in random order, but by length within each step.

    A step's rows are a random draw, so its gradient is what it would be anyway; that they are taken through the model
    in order of length saves most of the padding. Longest first, so that memory runs out at once or not at all. The
    order depends on the seed and the epoch alone, so that a resumed training sees the same one.

    Args:
        lengths: Tokens of each row.
        step_rows: Rows in a step, over all processes.
        seed: Seed of the order.
    """

    def __init__(self, lengths: Sequence[int], step_rows: int, seed: int) -> None:
        super().__init__()
        self._lengths = lengths
        self._step_rows = step_rows
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        """Rows in an epoch."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Numbers of the rows of the present epoch."""
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        order = torch.randperm(len(self._lengths), generator=generator).tolist()
        for start in range(0, len(order), self._step_rows):
            yield from sorted(order[start : start + self._step_rows], key=lambda row: -self._lengths[row])

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self._epoch = epoch


class OwnTrainer:
    """Mixed into each of TRL's trainers, before it."""

    args: Any
    model: Any
    train_dataset: Any

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        data = self.train_dataset if train_dataset is None else train_dataset
        step_rows = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        return StepSampler(_lengths(data), step_rows, self.args.seed)

    def _send_telemetry(self) -> None:
        """Nobody is told of a training."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Our own card is written at the end; TRL would write one of its own into each checkpoint."""


def _lengths(data: Any) -> list[int]:
    """Lengths of rows; packed ones have no column for it, and are all about as long as they can be."""
    return list(data["length"]) if "length" in data.column_names else [0] * len(data)
