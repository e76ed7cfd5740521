"""Our losses are TRL's where TRL has the same one: its trainers' own numbers on a tiny model and crafted batches.

The log-probabilities that go into our functions are computed here by plain softmax, so that TRL's code is not used to
check itself.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer

from cai.training.losses import (
    centring_loss,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    kto_reference_point,
    reward_loss,
    robust_loss,
)

pytestmark = pytest.mark.train

BETA = 0.7
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
ROWS = [
    ("how do i bake bread", "mix flour and water", "no"),
    ("tell me a story", "once upon a time there was a cat", "i will not do that for you, go away"),
    ("what is two and two", "four", "five or maybe six"),
]


def turn(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def pairs() -> Dataset:
    return Dataset.from_list(
        [
            {"prompt": turn("user", p), "chosen": turn("assistant", c), "rejected": turn("assistant", r)}
            for p, c, r in ROWS
        ]
    )


def common(out: Path) -> dict[str, Any]:
    return {
        "output_dir": str(out),
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "per_device_train_batch_size": len(ROWS),
        "disable_tqdm": True,
    }


def batch_of(trainer: Any) -> dict[str, torch.Tensor]:
    columns = [c for c in trainer.train_dataset.column_names if c.endswith("_ids") or c in ("label", "margin")]
    return trainer.data_collator(list(trainer.train_dataset.select_columns(columns)))


def perturbed(model: Any) -> Any:
    """A reference that is not the policy, else every log-ratio is zero."""
    other = copy.deepcopy(model)
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return other


@torch.no_grad()
def logps(model: Any, ids: torch.Tensor, attention: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
    """Log-probability of each row's answer; [B]."""
    logits = model(input_ids=ids, attention_mask=attention).logits[:, :-1]
    tokens = torch.log_softmax(logits.float(), -1).gather(-1, ids[:, 1:, None])[..., 0]
    return (tokens * answer[:, 1:]).sum(1)


def ratios(policy: Any, reference: Any, batch: dict[str, torch.Tensor], prefix: str = "") -> torch.Tensor:
    inputs = (batch[f"{prefix}input_ids"], batch[f"{prefix}attention_mask"], batch[f"{prefix}completion_mask"])
    return logps(policy, *inputs) - logps(reference, *inputs)


def dpo_numbers(tiny_model: Path, out: Path, loss_type: str, rows: int = len(ROWS)) -> tuple[float, list[torch.Tensor]]:
    """TRL's mean loss, and the log-ratios and lengths of the chosen and rejected answers."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    reference = perturbed(model)
    args = DPOConfig(loss_type=[loss_type], beta=BETA, label_smoothing=0.2, **common(out))
    trainer = DPOTrainer(
        model=model,
        ref_model=reference,
        args=args,
        train_dataset=pairs().select(range(rows)),
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
    )
    trainer.model.eval()
    batch = batch_of(trainer)
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, dict(batch)).item()
    chosen, rejected = ratios(trainer.model, reference, batch).chunk(2)
    lengths = batch["completion_mask"].sum(1).chunk(2)
    assert (chosen - rejected).abs().min() > 0.05
    return loss, [chosen, rejected, *lengths]


@pytest.mark.parametrize("kind", ["sigmoid", "ipo", "hinge", "robust"])
def test_the_dpo_family_is_that_of_trl(tiny_model: Path, tmp_path: Path, kind: str) -> None:
    theirs, (chosen, rejected, chosen_length, rejected_length) = dpo_numbers(tiny_model, tmp_path, kind)
    ours = {
        "sigmoid": lambda: dpo_loss(chosen, rejected, BETA),
        "ipo": lambda: ipo_loss(chosen, rejected, BETA, (chosen_length, rejected_length)),
        "hinge": lambda: hinge_loss(chosen, rejected, BETA),
        "robust": lambda: robust_loss(chosen, rejected, BETA, 0.2),
    }[kind]()
    assert ours.shape == (len(ROWS),)
    torch.testing.assert_close(ours.mean(), torch.tensor(theirs), **CLOSE)


def test_soft_dpo_is_that_of_trl_where_it_smooths_labels(tiny_model: Path, tmp_path: Path) -> None:
    """TRL smooths labels in its `aot` loss only, which for a single pair is soft DPO with one probability."""
    theirs, (chosen, rejected, *_) = dpo_numbers(tiny_model, tmp_path, "aot", rows=1)
    torch.testing.assert_close(
        dpo_loss(chosen, rejected, BETA, torch.tensor([0.8])).mean(), torch.tensor(theirs), **CLOSE
    )


@pytest.mark.parametrize("centring", [None, 0.3])
@pytest.mark.parametrize("margin", [False, True])
def test_the_reward_loss_is_that_of_trl(tiny_model: Path, tmp_path: Path, centring: float | None, margin: bool) -> None:
    torch.manual_seed(3)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=1, dtype=torch.float32)
    rows = pairs()
    if margin:
        rows = rows.add_column("margin", [0.5, 0.0, 1.5])
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(center_rewards_coefficient=centring, **common(tmp_path)),
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
    )
    trainer.model.eval()
    batch = batch_of(trainer)
    with torch.no_grad():
        theirs = trainer.compute_loss(trainer.model, dict(batch))
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    chosen, rejected = logits[:, 0].chunk(2)
    ours = reward_loss(chosen, rejected, margin=batch.get("margin")) + (centring or 0) * centring_loss(chosen, rejected)
    torch.testing.assert_close(ours.mean(), theirs, **CLOSE)


def test_kto_is_that_of_trl(tiny_model: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    reference = perturbed(model)
    rows = [
        {"prompt": turn("user", p), "completion": turn("assistant", text), "label": good}
        for p, chosen, rejected in ROWS
        for text, good in ((chosen, True), (rejected, False))
    ][:5]
    args = KTOConfig(
        beta=BETA,
        desirable_weight=1.3,
        undesirable_weight=0.8,
        **(common(tmp_path) | {"per_device_train_batch_size": 5}),
    )
    trainer = KTOTrainer(
        model=model,
        ref_model=reference,
        args=args,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
    )
    trainer.model.eval()
    batch = batch_of(trainer)
    with torch.no_grad():
        theirs = trainer.compute_loss(trainer.model, dict(batch))
    point = kto_reference_point(ratios(trainer.model, reference, batch, "KL_"))
    ours = kto_loss(ratios(trainer.model, reference, batch), batch["label"].bool(), point, BETA, (1.3, 0.8))
    torch.testing.assert_close(ours.mean(), theirs, **CLOSE)
