"""Reward models trained on the tiniest of models: they learn, keep to their targets, and come with a scale."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from cai.config.training import RewardTraining
from cai.data.tables import PREFERENCE_SCHEMA
from cai.engines.encoding import Encoder
from cai.errors import UsageError
from cai.training.reward import _check_mergeable, padding_id
from cai.training.run import train
from cai.training.stats import TrainStats

pytestmark = pytest.mark.train

P_CHOSEN = 0.8
COLUMNS = ("prompt", "chosen", "rejected", "p_chosen", "hazard")


def pair(number: int) -> dict[str, Any]:
    """The better answer says A, the worse one B, whatever else they say."""
    words = ["bread", "please", "yes", "no", "bake", "how", "tell", "user"]
    tail = f"{words[number % 8]} {words[number // 8 % 8]}"
    return {
        "prompt": [{"role": "user", "content": f"Tell me {number}: {tail}?"}],
        "chosen": [{"role": "assistant", "content": f"The answer is A. {tail}"}],
        "rejected": [{"role": "assistant", "content": f"The answer is B. {tail}" + " or" * (number % 3)}],
        "p_chosen": P_CHOSEN,
        "hazard": "vcr" if number % 2 else None,
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards to train on and to hold out."""
    folder = tmp_path_factory.mktemp("preferences")
    schema = pa.schema([PREFERENCE_SCHEMA.field(name) for name in COLUMNS])
    for name, numbers in (("train", range(48)), ("eval", range(48, 64))):
        rows = [pair(number) for number in numbers]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}-00000.parquet")
    return folder


def settings(model: Path, data: Path, **changes: Any) -> RewardTraining:
    values = {"model": str(model), "data": ({"path": str(data)},), "epochs": 6, "learning_rate": 3e-3, "batch_size": 16}
    return RewardTraining.model_validate({**values, "micro_batch_size": 16, **changes})


def trained(model: Path, data: Path, out: Path, **changes: Any) -> dict[str, Any]:
    return train(settings(model, data, **changes), out, "never", TrainStats())


@pytest.fixture(scope="module")
def finished(tiny_model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A reward model with soft targets, and its summary."""
    out = tmp_path_factory.mktemp("reward") / "out"
    return out, trained(tiny_model, data, out, clip=2.5)


def heldout_rewards(folder: Path) -> list[float]:
    """Rewards of the held-out answers, one at a time, by transformers alone."""
    network = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    values = []
    for number in range(48, 64):
        row = pair(number)
        for side in ("chosen", "rejected"):
            turns = [*row["prompt"], *row[side]]
            text = "\n".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>" for turn in turns)
            ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                values.append(float(network(input_ids=ids).logits.item()))
    return values


def test_it_learns_to_rank(finished: tuple[Path, dict[str, Any]]) -> None:
    figures = finished[1]["reward_model"]
    assert figures["heldout_accuracy"] == 1.0
    assert (figures["n"], figures["decided"]) == (16, 16)
    assert set(figures["by_hazard"]) == {"none", "vcr"}
    assert sum(row["n"] for row in figures["by_length_difference"]) == 16
    assert finished[1]["heldout"]["accuracy"] == 1.0
    assert finished[1]["heldout"]["loss"] < math.log(2)


def test_calibrated_it_says_what_its_teacher_said(finished: tuple[Path, dict[str, Any]]) -> None:
    figures = finished[1]["reward_model"]
    assert figures["ece"] < 0.05
    assert [row["accuracy"] for row in figures["reliability"]] == pytest.approx(
        [P_CHOSEN] * len(figures["reliability"])
    )


def test_the_scale_is_that_of_the_held_out_answers(finished: tuple[Path, dict[str, Any]]) -> None:
    out, summary = finished
    scale = json.loads((out / "reward.json").read_text())
    assert scale == {name: summary["reward_model"][name] for name in ("mean", "std", "temperature", "clip")}
    assert scale["clip"] == 2.5
    assert (summary["reward_model"]["reference"], summary["reward_model"]["reference_answers"]) == ("heldout", 32)
    values = heldout_rewards(out)
    mean = sum(values) / 32
    assert scale["mean"] == pytest.approx(mean, abs=1e-4)
    assert scale["std"] == pytest.approx(math.sqrt(sum((value - mean) ** 2 for value in values) / 32), abs=1e-4)


def test_the_scale_is_that_of_the_saved_weights_in_full_precision(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    changes = {"max_steps": 6, "dtype": "bfloat16", "save_dtype": "bfloat16"}
    figures = trained(tiny_model, data, tmp_path / "half", **changes)["reward_model"]
    assert load_file(tmp_path / "half" / "model.safetensors")["score.weight"].dtype == torch.bfloat16
    values = heldout_rewards(tmp_path / "half")
    assert figures["mean"] == pytest.approx(sum(values) / 32, abs=1e-5)


def test_a_stopped_training_goes_on_to_the_same_weights(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    class Stopping(TrainStats):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "step" and value == 5:
                raise KeyboardInterrupt
            super().__setattr__(name, value)

    config = settings(tiny_model, data, epochs=2, save_steps=2, dropout=0.1, truncation_augment=0.5)
    train(config, tmp_path / "whole", "never", TrainStats())
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "stopped", "never", Stopping())
    assert not (tmp_path / "stopped" / "summary.json").exists()
    train(config, tmp_path / "stopped", "always", TrainStats())
    whole, stopped = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.allclose(whole[name], stopped[name], atol=1e-6) for name in whole)


def test_the_folder_is_a_sequence_classifier_with_weights_of_its_own(
    finished: tuple[Path, dict[str, Any]], tiny_model: Path
) -> None:
    out, _ = finished
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == ["LlamaForSequenceClassification"]
    assert len(config["id2label"]) == 1
    assert config["pad_token_id"] is not None
    before, after = load_file(tiny_model / "model.safetensors"), load_file(out / "model.safetensors")
    assert after["score.weight"].shape == (1, 64)
    changed = [name for name in before.keys() & after.keys() if not torch.equal(before[name], after[name])]
    assert len(changed) == len(before.keys() - {"lm_head.weight"})


def test_hard_targets_make_it_surer_than_its_teacher(
    finished: tuple[Path, dict[str, Any]], tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    hard = trained(tiny_model, data, tmp_path / "hard", soft_targets=False)
    soft = finished[1]
    assert hard["heldout"]["margin"] > 2 * soft["heldout"]["margin"]
    assert hard["reward_model"]["ece_uncalibrated"] > 0.1 > soft["reward_model"]["ece_uncalibrated"]
    assert hard["reward_model"]["temperature"] > 1.5 * soft["reward_model"]["temperature"]


def test_a_margin_widens_the_lead(
    finished: tuple[Path, dict[str, Any]], tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    wide = trained(tiny_model, data, tmp_path / "wide", margin=2.0)
    assert wide["heldout"]["margin"] > finished[1]["heldout"]["margin"] + 0.5


def test_equal_seeds_give_equal_weights(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    changes = {"max_steps": 3, "dropout": 0.2, "truncation_augment": 0.5}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        trained(tiny_model, data, tmp_path / name, seed=seed, **changes)
    first, second, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_dropout_and_cut_answers_change_training_and_not_the_saved_settings(
    tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    variants: dict[str, dict[str, Any]] = {
        "plain": {},
        "dropout": {"dropout": 0.3},
        "cut": {"truncation_augment": 1.0},
    }
    losses = {
        name: trained(tiny_model, data, tmp_path / name, max_steps=2, **changes)["train_loss"]
        for name, changes in variants.items()
    }
    assert len(set(losses.values())) == 3
    config = json.loads((tmp_path / "dropout" / "config.json").read_text())
    assert config["attention_dropout"] == 0.0
    assert set(load_file(tmp_path / "dropout" / "model.safetensors")) == set(
        load_file(tmp_path / "plain" / "model.safetensors")
    )


def test_after_training_with_an_adapter_the_model_is_whole(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    summary = trained(tiny_model, data, tmp_path / "lora", lora={"r": 8, "alpha": 16}, learning_rate=1e-2)
    assert summary["reward_model"]["heldout_accuracy"] > 0.7
    assert not (tmp_path / "lora" / "adapter_config.json").exists()
    weights = load_file(tmp_path / "lora" / "model.safetensors")
    assert not [name for name in weights if "lora" in name or "modules_to_save" in name]
    network, notes = AutoModelForSequenceClassification.from_pretrained(tmp_path / "lora", output_loading_info=True)
    assert network.config.num_labels == 1
    assert not notes["missing_keys"]
    assert not notes["unexpected_keys"]


def test_an_adapter_over_sharded_weights_is_refused(tiny_model: Path, data: Path) -> None:
    with pytest.raises(UsageError, match="merged at the end"):
        _check_mergeable(settings(tiny_model, data, lora={}), sharded=True)
    _check_mergeable(settings(tiny_model, data, lora={}), sharded=False)
    _check_mergeable(settings(tiny_model, data), sharded=True)


def test_it_can_begin_from_an_adapter_of_a_language_model(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    policy = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config)
    policy.save_pretrained(tmp_path / "policy", save_embedding_layers=False)
    base = trained(tiny_model, data, tmp_path / "base", max_steps=1)
    adapted = trained(tmp_path / "policy", data, tmp_path / "adapted", max_steps=1)
    assert adapted["train_loss"] != base["train_loss"]
    merged = policy.merge_and_unload().state_dict()["model.layers.0.self_attn.q_proj.weight"]
    weights = load_file(tmp_path / "adapted" / "model.safetensors")
    assert (weights["model.layers.0.self_attn.q_proj.weight"] - merged).abs().max() < 0.01


@pytest.mark.parametrize("held", [True, False], ids=["not measured", "nothing held out"])
def test_without_a_measurement_the_scale_is_that_of_training(
    tiny_model: Path, data: Path, tmp_path: Path, held: bool
) -> None:
    path = data if held else data / "train-00000.parquet"
    summary = trained(tiny_model, path, tmp_path / "out", max_steps=1, evaluate="never" if held else "end")
    figures = summary["reward_model"]
    assert (figures["reference"], figures["reference_answers"]) == ("training", 96)
    assert figures["heldout_accuracy"] is None
    assert figures["temperature"] == 1.0
    assert figures["std"] > 0


def test_metrics_tell_accuracy_and_tokens(finished: tuple[Path, dict[str, Any]]) -> None:
    rows = [json.loads(line) for line in (finished[0] / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "loss" in row]
    assert len(steps) == finished[1]["steps"] == 18
    assert steps[-1]["accuracy"] > steps[0]["accuracy"] or steps[0]["accuracy"] == 1.0
    assert steps[-1]["tokens"] == finished[1]["tokens"] > 0
    assert any("eval_loss" in row and "eval_accuracy" in row for row in rows)


def test_padding_never_ends_an_answer(tiny_model: Path) -> None:
    tokenizer, encoder = AutoTokenizer.from_pretrained(tiny_model), Encoder(tiny_model)
    assert padding_id(tokenizer, encoder) == tokenizer.pad_token_id
    tokenizer.pad_token = tokenizer.eos_token
    chosen = padding_id(tokenizer, encoder)
    assert chosen in encoder.control_ids
    assert chosen != tokenizer.eos_token_id
