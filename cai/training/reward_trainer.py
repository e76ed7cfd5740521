"""TRL's trainer of reward models with what it lacks: soft targets, a margin that respects them, and cut answers.

It takes pairs as `tokens.py` encodes them and knows nothing of files, reports or scales.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor
from trl.trainer.reward_trainer import RewardTrainer

from cai.config.training import RewardTraining
from cai.training.losses import centring_loss, reward_loss
from cai.training.trainer import OwnTrainer

Batch = dict[str, Tensor]


class PairCollator:
    """Pads pairs into one batch: the chosen answers, each after its prompt, then the rejected ones.

    Args:
        pad_id: The token for padding. The network takes the last other token of a row as its end, so no answer may end
            with it.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """`input_ids`, `attention_mask` [2B, T]; `prompt_length`, `p_chosen`, `row` [B]."""
        sequences = [[*row["prompt_ids"], *row[side]] for side in ("chosen_ids", "rejected_ids") for row in rows]
        width = max(len(ids) for ids in sequences)
        return {
            "input_ids": torch.tensor([ids + [self.pad_id] * (width - len(ids)) for ids in sequences]),
            "attention_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in sequences]),
            "prompt_length": torch.tensor([len(row["prompt_ids"]) for row in rows]),
            "p_chosen": torch.tensor([row["p_chosen"] for row in rows], dtype=torch.float32),
            "row": torch.tensor([row["row"] for row in rows]),
        }


def cut_answers(batch: Batch, pad_id: int, keep: Sequence[float | None]) -> Batch:
    """Cut both answers of a pair to one length: a share of the shorter one, rounded up; None leaves a pair whole.

    Args:
        batch: As `PairCollator` makes it.
        pad_id: What stands in place of the tokens cut off.
        keep: For each pair the share of the shorter answer that is kept, in (0, 1], or None. # [B]
    """
    ends = batch["attention_mask"].sum(1)  # [2B]
    starts = batch["prompt_length"].repeat(2)  # [2B]
    shorter = torch.minimum(*(ends - starts).chunk(2))  # [B]
    shares = torch.tensor([share or 0.0 for share in keep], device=ends.device)
    whole = torch.tensor([share is None for share in keep], device=ends.device)
    kept = starts + (shares * shorter).ceil().long().repeat(2)
    limits = torch.where(whole.repeat(2), ends, torch.minimum(kept, ends))
    inside = torch.arange(batch["input_ids"].shape[1], device=ends.device) < limits[:, None]
    return {
        **batch,
        "input_ids": batch["input_ids"].masked_fill(~inside, pad_id),
        "attention_mask": batch["attention_mask"] * inside,
    }


def drawn_cuts(rows: Sequence[int], share: float, seed: int, epoch: int) -> list[float | None]:
    """For each row whether it is cut in this epoch, and to what share of the shorter answer (a half to all of it).

    Drawn from the row's number and the epoch, so that neither the order of rows nor a resumed training changes it.
    """
    cuts: list[float | None] = []
    for row in rows:
        random = Random(f"cut/{seed}/{epoch}/{row}")
        cuts.append(random.uniform(0.5, 1.0) if random.random() < share else None)
    return cuts


class RewardModelTrainer(OwnTrainer, RewardTrainer):
    """TRL's trainer with the losses of `cai.training.losses`.

    Args:
        settings: Ours; TRL's `args` have only what it knows.
        collator: Makes the batches.
        options: TRL's own arguments.
    """

    def __init__(self, settings: RewardTraining, collator: PairCollator, **options: Any) -> None:
        self._settings = settings
        self._pad_id = collator.pad_id
        super().__init__(data_collator=collator, **options)

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean loss over the pairs of a batch; notes what is logged beside it."""
        settings = self._settings
        batch = inputs
        if model.training and settings.truncation_augment:
            epoch = int(self.state.epoch or 0)
            cuts = drawn_cuts(inputs["row"].tolist(), settings.truncation_augment, settings.seed, epoch)
            batch = cut_answers(inputs, self._pad_id, cuts)
        outputs = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
        chosen, rejected = outputs.logits[:, 0].float().chunk(2)  # [B] each
        target = batch["p_chosen"] if settings.soft_targets else None
        margin = torch.full_like(chosen, settings.margin) if settings.margin else None
        losses = reward_loss(chosen, rejected, target, margin)
        if settings.center_rewards:
            losses = losses + settings.center_rewards * centring_loss(chosen, rejected)
        self._note(chosen.detach(), rejected.detach(), batch, training=model.training)
        loss = losses.mean()
        return (loss, outputs) if return_outputs else loss

    def _note(self, chosen: Tensor, rejected: Tensor, batch: Batch, *, training: bool) -> None:
        mode = "train" if training else "eval"
        gather = self.accelerator.gather_for_metrics
        if training:
            self._total_train_tokens += int(gather(batch["attention_mask"].sum()).sum())
        lead, mean = gather(chosen - rejected), gather((chosen + rejected) / 2)
        decided = gather(batch["p_chosen"]) >= self._settings.decided_from
        notes = self._metrics[mode]
        notes["num_tokens"] = [self._total_train_tokens]
        notes["margin"].append(float(lead.mean()))
        notes["mean_reward"].append(float(mean.mean()))
        if decided.any():
            notes["accuracy"].append(float((lead[decided] > 0).float().mean()))
