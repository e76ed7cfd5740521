"""The DPO family, by TRL's trainer: what it lacks is a probability for each pair, and a reference kept only as numbers.

The losses are those of `cai.training.losses`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer
from trl.trainer.utils import add_fused_lm_head

from cai.config.training import DpoTraining
from cai.training import losses
from cai.training.reference import load_reference
from cai.training.session import Session
from cai.training.setup import lora_config, padding_id, reporting_memory, training_arguments, weights_dtype
from cai.training.trainer import OwnTrainer


@dataclass
class PairCollator(DataCollatorForPreference):
    """TRL's collator, which keeps `p_chosen` too."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch: chosen answers first, then the rejected ones. # [2B, T]; `p_chosen` # [B]"""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["p_chosen"] = torch.tensor([example["p_chosen"] for example in examples])
        return batch


class PairTrainer(OwnTrainer, DPOTrainer):
    """TRL's DPO trainer with our losses."""

    def __init__(self, *, settings: DpoTraining, **kwargs: Any) -> None:
        self._settings = settings
        super().__init__(**kwargs)
        if settings.reference == "precomputed":
            self.ref_model = None
        # TRL's own head computes entropies and mean logits too, for metrics that we do not show.
        add_fused_lm_head(self.model.get_base_model() if settings.lora is not None else self.model)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """Rows come encoded."""
        return dataset

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Tensor:
        batch = {name: inputs[name] for name in ("input_ids", "attention_mask", "completion_mask")}
        mask = batch["completion_mask"]
        labels = batch["input_ids"].masked_fill(mask == 0, -100)
        outputs = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            labels=labels,
            use_cache=False,
            fused_lm_head=True,
        )
        logps = outputs.log_probs[:, -(mask.size(1) - 1) :].sum(dim=1).chunk(2)  # [B], [B]
        reference = self._reference_logps(batch, inputs)
        ratios = logps[0] - reference[0], logps[1] - reference[1]
        lengths = mask[:, 1:].sum(dim=1).chunk(2)
        loss = self._loss(ratios, lengths, inputs["p_chosen"]).mean()
        if self._settings.sft_weight:
            loss = loss - self._settings.sft_weight * logps[0].sum() / lengths[0].sum().clamp(min=1)
        self._note(ratios, logps, batch["attention_mask"])
        return loss

    def _reference_logps(self, batch: dict[str, Tensor], inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        if self.precompute_ref_logps:
            return inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]
        return self.reference_logps(batch)

    def reference_logps(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The reference's log-probabilities of the chosen and the rejected answers. # [B], [B]"""
        with reporting_memory():
            chosen, rejected = self.compute_ref_log_probs(self.ref_model or self.model, batch)  # type: ignore[no-untyped-call]
        return chosen, rejected

    def _loss(self, ratios: tuple[Tensor, Tensor], lengths: tuple[Tensor, Tensor], p_chosen: Tensor) -> Tensor:
        """Loss of each pair. # [B]"""
        settings = self._settings
        match settings.loss:
            case "sigmoid":
                return losses.dpo_loss(*ratios, settings.beta, p_chosen if settings.soft_labels else None)
            case "ipo":
                return losses.ipo_loss(*ratios, settings.beta, lengths)
            case "hinge":
                return losses.hinge_loss(*ratios, settings.beta)
            case "robust":
                return losses.robust_loss(*ratios, settings.beta, settings.label_smoothing)

    @torch.no_grad()
    def _note(self, ratios: tuple[Tensor, Tensor], logps: tuple[Tensor, ...], attention_mask: Tensor) -> None:
        """Figures of the batch over all processes, in one exchange."""
        mode = "train" if self.model.training else "eval"
        lead = self._settings.beta * (ratios[0] - ratios[1])
        figures = torch.stack(
            [
                (lead > 0).float().sum(),
                lead.sum(),
                self._settings.beta * ratios[0].sum(),
                self._settings.beta * ratios[1].sum(),
                logps[0].sum(),
                logps[1].sum(),
                lead.new_tensor(float(lead.numel())),
                attention_mask.sum().to(lead.dtype),
            ]
        )
        *sums, pairs, tokens = self.accelerator.gather(figures[None]).sum(dim=0).tolist()
        for name, value in zip(_FIGURES, sums, strict=True):
            self._metrics[mode][name].append(value / pairs)
        if mode == "train":
            self._total_train_tokens += int(tokens)
        self._metrics[mode]["num_tokens"] = [self._total_train_tokens]

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """Add the reference's log-probabilities to a dataset; in memory, each different row once, shortest first."""
        rows, lengths = list(dataset["row"]), list(dataset["length"])
        order = sorted({row: place for place, row in enumerate(rows)}.values(), key=lengths.__getitem__)
        loader = DataLoader(dataset.select(order), batch_size=batch_size, collate_fn=self.data_collator)
        known: list[tuple[float, float]] = []
        for batch in self.accelerator.prepare(loader):
            kept = {key: batch[key] for key in ("input_ids", "attention_mask", "completion_mask")}
            logps = self.accelerator.gather_for_metrics(self.reference_logps(kept))
            known += torch.stack(logps, dim=1).tolist()
        by_row = {rows[place]: logps for place, logps in zip(order, known, strict=True)}
        for index, column in enumerate(("ref_chosen_logps", "ref_rejected_logps")):
            dataset = dataset.add_column(column, [by_row[row][index] for row in rows])
        return dataset


def train_dpo(session: Session[DpoTraining]) -> dict[str, Any]:
    """Train, measure and save; returns what the summary adds for this kind."""
    config = session.config
    arguments = DPOConfig(
        **training_arguments(config, session.folder),
        beta=config.beta,
        max_length=None,
        precompute_ref_log_probs=config.reference == "precomputed",
    )
    tokenizer = session.files.tokenizer()
    with reporting_memory():
        trainer = PairTrainer(
            settings=config,
            model=session.files.load(AutoModelForCausalLM, weights_dtype(config)),
            ref_model=load_reference(config, session.files),
            args=arguments,
            data_collator=PairCollator(pad_token_id=padding_id(tokenizer)),
            train_dataset=session.data.train,
            eval_dataset=session.data.heldout,
            processing_class=tokenizer,
            peft_config=lora_config(config, "CAUSAL_LM"),
        )
    session.train(trainer)
    heldout = session.measure(trainer)
    session.save(trainer)
    return {"heldout": heldout}


_FIGURES = (
    "rewards/accuracies",
    "rewards/margins",
    "rewards/chosen",
    "rewards/rejected",
    "logps/chosen",
    "logps/rejected",
)
