"""KTO, by TRL's trainer: single answers that are good or bad. The loss is that of `cai.training.losses`.

The divergence from the reference is estimated on mismatched prompts and answers. TRL pairs neighbours in a fixed order,
and so cannot shuffle; here each row has a partner of its own, drawn once, and the order is free.
"""

from random import Random
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference, KTOTrainer

from cai.config.training import KtoTraining
from cai.errors import DatasetError, UsageError
from cai.training import losses
from cai.training.reference import ReferenceTrainer, completion_logps, load_reference
from cai.training.session import Session
from cai.training.setup import (
    explained,
    longest_row,
    lora_config,
    micro_batch,
    weights_dtype,
)

_IDS = ("input_ids", "attention_mask", "completion_mask")
_MISMATCHED = ("KL_input_ids", "KL_attention_mask", "KL_completion_mask")
_REFERENCE = ("ref_logps", "ref_KL_logps")


class AnswerTrainer(ReferenceTrainer[KtoTraining], KTOTrainer):
    """TRL's KTO trainer with our loss."""

    reference_columns = _REFERENCE

    def reference_logps(self, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The reference's log-probabilities of the answers and of the mismatched answers. # [B], [B]"""
        batch = {name: inputs[name] for name in (*_IDS, *_MISMATCHED)}
        with explained():
            own, mismatched = self.compute_ref_log_probs(self.ref_model or self.model, batch)  # type: ignore[no-untyped-call]
        return own, mismatched

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Tensor:
        settings = self._settings
        known = (
            tuple(inputs[name] for name in _REFERENCE) if self.precompute_ref_logps else self.reference_logps(inputs)
        )
        with torch.no_grad():
            mismatched = completion_logps(model, *(inputs[name] for name in _MISMATCHED)) - known[1]
        ratios = completion_logps(model, *(inputs[name] for name in _IDS)) - known[0]
        desirable = inputs["label"].bool()
        point = losses.kto_reference_point(self.accelerator.gather(mismatched))
        weights = settings.desirable_weight, settings.undesirable_weight
        loss = losses.kto_loss(ratios, desirable, point, settings.beta, weights).mean()
        self._note(ratios.detach(), desirable, point, inputs["attention_mask"])
        return loss

    @torch.no_grad()
    def _note(self, ratios: Tensor, desirable: Tensor, point: Tensor, attention_mask: Tensor) -> None:
        """Figures of the batch over all processes, in one exchange. Right is a gain on the side of the label."""
        mode = "train" if self.model.training else "eval"
        rewards = self._settings.beta * ratios
        right = (ratios > point) == desirable
        sums = [rewards * desirable, rewards * ~desirable, desirable.float(), (~desirable).float(), right.float()]
        figures = torch.stack([values.sum() for values in (*sums, attention_mask.float())])
        good, bad, goods, bads, rights, tokens = self.accelerator.gather(figures[None]).sum(dim=0).tolist()
        noted = [("kl", float(point), 1.0), ("rewards/accuracies", rights / (goods + bads), goods + bads)]
        noted += [("rewards/chosen", good / goods, goods)] if goods else []
        noted += [("rewards/rejected", bad / bads, bads)] if bads else []
        noted += [("rewards/margins", good / goods - bad / bads, 1.0)] if goods and bads else []
        for name, value, weight in noted:
            # The trainer takes the mean over batches, of which the last one is smaller.
            self._metrics[mode][name] += [value] * int(weight)
        if mode == "train":
            self._total_train_tokens += int(tokens)
        self._metrics[mode]["num_tokens"] = [self._total_train_tokens]


def with_partners(dataset: Any, seed: int) -> Any:
    """Give each row the answer to another prompt, as `KL_completion_ids`; the same one wherever the row is repeated.

    Raises:
        DatasetError: All rows have the same prompt.
    """
    rows = dict(zip(dataset["row"], zip(dataset["prompt_ids"], dataset["completion_ids"], strict=True), strict=True))
    numbers = sorted(rows)
    shift = Random(f"partners/{seed}").randrange(len(numbers))
    partners = {}
    for place, number in enumerate(numbers):
        others = (numbers[(place + shift + step) % len(numbers)] for step in range(len(numbers)))
        partner = next((other for other in others if rows[other][0] != rows[number][0]), None)
        if partner is None:
            fix = "give answers to several prompts"
            raise DatasetError("all rows have the same prompt, which KTO cannot learn from", fix=fix)
        partners[number] = rows[partner][1]
    return dataset.add_column("KL_completion_ids", [partners[row] for row in dataset["row"]])


def train_kto(session: Session[KtoTraining]) -> dict[str, Any]:
    """Train, measure and save; returns what the summary adds for this kind."""
    config, heldout = session.config, session.data.heldout
    if micro_batch(config)[0] < 2:
        fix = "raise micro_batch_size, or use a batch_size that divides evenly"
        raise UsageError("KTO needs two rows at once, to estimate the divergence", where="micro_batch_size", fix=fix)
    arguments = KTOConfig(
        **session.arguments(),
        beta=config.beta,
        max_length=None,
        precompute_ref_log_probs=config.reference == "precomputed",
        # TRL insists, for its own pairing; the order is that of `OwnTrainer`.
        train_sampling_strategy="sequential",
    )
    tokenizer = session.files.tokenizer()
    longest = longest_row(config, session.files.folder)
    with explained():
        trainer = AnswerTrainer(
            settings=config,
            model=session.files.load(AutoModelForCausalLM, weights_dtype(config)),
            ref_model=load_reference(config, session.files),
            args=arguments,
            # Only a mismatched answer can be too long, and is cut: it is no example, but a probe.
            data_collator=DataCollatorForUnpairedPreference(pad_token_id=tokenizer.pad_token_id, max_length=longest),
            train_dataset=with_partners(session.data.train, config.seed),
            eval_dataset=None if heldout is None else with_partners(heldout, config.seed),
            processing_class=tokenizer,
            peft_config=lora_config(config, "CAUSAL_LM"),
        )
    session.train(trainer)
    figures = session.measure(trainer)
    session.save(trainer)
    return {"heldout": figures}
