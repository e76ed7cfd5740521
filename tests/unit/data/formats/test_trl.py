"""Exports for TRL, read by TRL: its loader, its trainers' own preparation of data, and the parser of its settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import (
    DPOConfig,
    DPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)
from trl.data_utils import is_conversational
from trl.scripts import dpo, grpo, kto, reward, sft

from cai.data.formats.export import export_rows
from cai.data.formats.source import find_rows

PARSERS = {"sft": sft, "preferences": dpo, "reward": reward, "kto": kto, "rl": grpo}


@pytest.fixture
def exported(run: Path, tmp_path: Path) -> Path:
    export_rows(find_rows(run), "trl", ["sft", "preferences", "reward", "kto", "rl"], tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def data(exported: Path, tmp_path: Path) -> Callable[[str], Any]:
    """A table as `datasets` loads the folder."""
    return lambda what: load_dataset(str(exported / what), cache_dir=str(tmp_path / "cache"))


def common(out: Path) -> dict[str, Any]:
    more: dict[str, Any] = {"report_to": [], "per_device_train_batch_size": 2, "gradient_checkpointing": False}
    return {"output_dir": str(out), "use_cpu": True, "bf16": False, "max_length": None, **more}


def test_the_loader_finds_both_splits_and_conversations(data: Callable[[str], Any]) -> None:
    for what in ("sft", "preferences", "reward", "kto", "rl"):
        loaded = data(what)
        assert set(loaded) == {"train", "eval"}
        assert is_conversational(loaded["train"][0])


@pytest.mark.parametrize("what", PARSERS)
def test_its_command_line_takes_the_settings(what: str, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(exported)
    parser = PARSERS[what].make_parser()
    # Without a GPU its settings refuse bfloat16, which is their default.
    arguments = ["--config", f"{what}.yaml", "--bf16", "false", "--use_cpu", "true"]
    script, training, model, _ = parser.parse_args_and_config(arguments)
    assert (script.dataset_name, script.dataset_test_split) == (f"./{what}", "eval")
    assert (model.model_name_or_path, training.output_dir) == ("MODEL", f"out/{what}")
    assert training.eval_strategy == "epoch"


@pytest.mark.train
def test_sft_learns_only_the_answer(data: Callable[[str], Any], tiny_model: Path, tmp_path: Path) -> None:
    loaded = data("sft")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        args=SFTConfig(**common(tmp_path)),
        train_dataset=loaded["train"],
        eval_dataset=loaded["eval"],
        processing_class=tokenizer,
    )
    for ours, theirs in zip(loaded["train"], trainer.train_dataset, strict=True):
        learnt = [token for token, label in zip(theirs["input_ids"], theirs["labels"], strict=True) if label != -100]
        assert tokenizer.decode(learnt).startswith(ours["completion"][0]["content"])
        prompt = tokenizer.apply_chat_template(ours["prompt"], tokenize=False, add_generation_prompt=True)
        assert tokenizer.decode(theirs["input_ids"][: -len(learnt)]) == prompt


@pytest.mark.train
def test_dpo_prepares_both_answers(data: Callable[[str], Any], tiny_model: Path, tmp_path: Path) -> None:
    loaded = data("preferences")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        args=DPOConfig(**common(tmp_path)),
        train_dataset=loaded["train"],
        processing_class=tokenizer,
    )
    for ours, theirs in zip(loaded["train"], trainer.train_dataset, strict=True):
        for name in ("chosen", "rejected"):
            assert tokenizer.decode(theirs[f"{name}_ids"]).startswith(ours[name][0]["content"])


@pytest.mark.train
def test_kto_keeps_the_labels(data: Callable[[str], Any], tiny_model: Path, tmp_path: Path) -> None:
    loaded = data("kto")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = KTOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        args=KTOConfig(**common(tmp_path)),
        train_dataset=loaded["train"],
        processing_class=tokenizer,
    )
    assert list(trainer.train_dataset["label"]) == [True, False] * 3
    for ours, theirs in zip(loaded["train"], trainer.train_dataset, strict=True):
        assert tokenizer.decode(theirs["completion_ids"]).startswith(ours["completion"][0]["content"])


@pytest.mark.train
def test_the_margin_reaches_the_loss_of_a_reward_model(
    data: Callable[[str], Any], tiny_model: Path, tmp_path: Path
) -> None:
    loaded = data("reward")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = RewardTrainer(
        model=AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=1),
        args=RewardConfig(**common(tmp_path)),
        train_dataset=loaded["train"],
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    margins = [round(2 * p - 1, 5) for p in loaded["train"]["p_chosen"]]
    assert all(round(value, 5) in margins for value in batch["margin"].tolist())
    with_margin = trainer.compute_loss(trainer.model, dict(batch)).item()
    without = trainer.compute_loss(trainer.model, {name: value for name, value in batch.items() if name != "margin"})
    assert with_margin > without.item()
