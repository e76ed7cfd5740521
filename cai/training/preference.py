"""The DPO family, by TRL's trainer: what it lacks is a probability for each pair, and a reference kept only as numbers.

The losses are those of `cai.training.losses`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

from cai.config.training import DpoTraining
from cai.training import losses
from cai.training.reference import ReferenceTrainer, completion_logps, load_reference
from cai.training.session import Session
from cai.training.setup import explained, lora_config, weights_dtype

_IDS = ("input_ids", "attention_mask", "completion_mask")
_REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")
_FIGURES = (
    "rewards/accuracies",
    "rewards/margins",
    "rewards/chosen",
    "rewards/rejected",
    "logps/chosen",
    "logps/rejected",
)


@dataclass
class PairCollator(DataCollatorForPreference):
    """TRL's collator, which keeps `p_chosen` too."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch: chosen answers first, then the rejected ones. # [2B, T]; `p_chosen` # [B]"""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["p_chosen"] = torch.tensor([example["p_chosen"] for example in examples])
        return batch


class PairTrainer(ReferenceTrainer[DpoTraining], DPOTrainer):
    """TRL's DPO trainer with our losses."""

    reference_columns = _REFERENCE

    def reference_logps(self, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The reference's log-probabilities of the chosen and the rejected answers. # [B], [B]"""
        batch = {name: inputs[name] for name in _IDS}
        with explained():
            chosen, rejected = self.compute_ref_log_probs(self.ref_model or self.model, batch)  # type: ignore[no-untyped-call]
        return chosen, rejected

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Tensor:
        settings = self._settings
        logps = completion_logps(model, *(inputs[name] for name in _IDS)).chunk(2)
        known = (
            tuple(inputs[name] for name in _REFERENCE) if self.precompute_ref_logps else self.reference_logps(inputs)
        )
        chosen, rejected = logps[0] - known[0], logps[1] - known[1]
        lengths = inputs["completion_mask"][:, 1:].sum(dim=1).chunk(2)
        loss = pair_loss(settings, (chosen, rejected), (lengths[0], lengths[1]), inputs["p_chosen"]).mean()
        if settings.sft_weight:
            loss = loss - settings.sft_weight * logps[0].sum() / lengths[0].sum().clamp(min=1)
        self._note((chosen.detach(), rejected.detach()), logps, inputs["attention_mask"])
        return loss

    @torch.no_grad()
    def _note(self, ratios: tuple[Tensor, Tensor], logps: tuple[Tensor, ...], attention_mask: Tensor) -> None:
        """Figures of the batch over all processes, in one exchange."""
        mode = "train" if self.model.training else "eval"
        rewards = [self._settings.beta * ratio for ratio in ratios]
        lead = rewards[0] - rewards[1]
        sums = [(lead > 0).float(), lead, *rewards, *logps, torch.ones_like(lead), attention_mask.float()]
        figures = torch.stack([values.sum() for values in sums])
        *means, pairs, tokens = self.accelerator.gather(figures[None]).sum(dim=0).tolist()
        for name, value in zip(_FIGURES, means, strict=True):
            # The trainer takes the mean over batches, of which the last one is smaller.
            self._metrics[mode][name] += [value / pairs] * int(pairs)
        if mode == "train":
            self._total_train_tokens += int(tokens)
        self._metrics[mode]["num_tokens"] = [self._total_train_tokens]


def pair_loss(
    settings: DpoTraining, ratios: tuple[Tensor, Tensor], lengths: tuple[Tensor, Tensor], p_chosen: Tensor
) -> Tensor:
    """Loss of each pair. # [B]

    Args:
        settings: Which loss, and its constants.
        ratios: Log-ratios of the chosen and the rejected answers. # [B], [B]
        lengths: Tokens of the chosen and the rejected answers. # [B], [B]
        p_chosen: Probability that the chosen answer is better. # [B]
    """
    match settings.loss:
        case "sigmoid":
            return losses.dpo_loss(*ratios, settings.beta, p_chosen if settings.soft_labels else None)
        case "ipo":
            return losses.ipo_loss(*ratios, settings.beta, lengths)
        case "hinge":
            return losses.hinge_loss(*ratios, settings.beta)
        case "robust":
            return losses.robust_loss(*ratios, settings.beta, settings.label_smoothing)


def train_dpo(session: Session[DpoTraining]) -> dict[str, Any]:
    """Train, measure and save; returns what the summary adds for this kind."""
    config = session.config
    arguments = DPOConfig(
        **session.arguments(),
        beta=config.beta,
        max_length=None,
        precompute_ref_log_probs=config.reference == "precomputed",
    )
    tokenizer = session.files.tokenizer()
    with explained():
        trainer = PairTrainer(
            settings=config,
            model=session.files.load(AutoModelForCausalLM, weights_dtype(config)),
            ref_model=load_reference(config, session.files),
            args=arguments,
            data_collator=PairCollator(pad_token_id=tokenizer.pad_token_id),
            train_dataset=session.data.train,
            eval_dataset=session.data.heldout,
            processing_class=tokenizer,
            peft_config=lora_config(config, "CAUSAL_LM"),
        )
    session.train(trainer)
    heldout = session.measure(trainer)
    session.save(trainer)
    return {"heldout": heldout}
