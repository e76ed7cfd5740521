"""DPO on the tiniest of models: the reference stays, soft labels count, and every way to keep the reference agrees."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from cai.config.training import DataSource, DpoTraining
from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.records import Message
from cai.training import losses
from cai.training.output import read_metrics
from cai.training.preference import pair_loss
from cai.training.run import train
from cai.training.stats import TrainStats

pytestmark = pytest.mark.train

Row = Callable[[int], dict[str, Any]]
ADAPTER = {"r": 4, "alpha": 8}


def settings(model: Path, data: Path, **changes: Any) -> DpoTraining:
    values = {"model": str(model), "data": [{"path": str(data)}], "epochs": 2, "learning_rate": 1e-3, "batch_size": 4}
    return DpoTraining.model_validate({**values, "micro_batch_size": 2, "warmup": 0.0, **changes})


def trained(model: Path, data: Path, out: Path, **changes: Any) -> dict[str, Any]:
    return train(settings(model, data, **changes), out, "never", TrainStats())


def curve(out: Path, figure: str = "loss") -> list[float]:
    return [row[figure] for row in read_metrics(out / "metrics.jsonl") if figure in row]


def answer_logp(folder: Path, question: str, answer: str) -> float:
    """Log-probability of an answer and its end of turn, by transformers alone."""
    encoder, model = Encoder.load(str(folder)), AutoModelForCausalLM.from_pretrained(folder)
    prompt = ChatPrompt((Message("user", question),))
    start = len(encoder.encode(prompt))
    ids = [*encoder.encode(prompt), *encoder.answer_ids(prompt, answer)]
    with torch.no_grad():
        logps = model(input_ids=torch.tensor([ids])).logits[0, start - 1 : -1].float().log_softmax(-1)
    return float(logps.gather(1, torch.tensor(ids[start:])[:, None]).sum())


@pytest.fixture(scope="module")
def one_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("one") / "pair.jsonl"
    row = {"prompt": "Tell me", "chosen": "The answer is A.", "rejected": "B, no.", "p_chosen": 0.75}
    path.write_text(json.dumps(row) + "\n")
    return path


def test_it_learns_to_prefer_and_leaves_the_reference_alone(tiny_model: Path, pairs: Path, tmp_path: Path) -> None:
    before = (tiny_model / "model.safetensors").read_bytes()
    summary = trained(tiny_model, pairs, tmp_path / "out", epochs=4, soft_labels=False)
    assert (tiny_model / "model.safetensors").read_bytes() == before
    old, new = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "out"))
    assert all(not torch.equal(old[name], new[name]) for name in old if "layers" in name)
    row = json.loads(pairs.read_text().splitlines()[0])
    texts = [row["prompt"][0]["content"], row["chosen"][0]["content"], row["rejected"][0]["content"]]
    leads = [
        answer_logp(folder, texts[0], texts[1]) - answer_logp(folder, texts[0], texts[2])
        for folder in (tiny_model, tmp_path / "out")
    ]
    assert leads[1] > leads[0] + 1
    rows = list(read_metrics(tmp_path / "out" / "metrics.jsonl"))
    assert summary["kind"] == "dpo"
    assert {"accuracy", "margin", "rewards_chosen", "rewards_rejected", "logps_chosen", "tokens"} <= rows[0].keys()
    assert rows[-1]["accuracy"] == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "copy"},
        {"reference": "precomputed", "reference_dtype": "float32"},
        {"lora": ADAPTER},
        {"lora": ADAPTER, "reference": "adapter_base"},
        {"lora": ADAPTER, "reference": "copy"},
    ],
)
def test_every_way_to_keep_the_reference_agrees(
    tiny_model: Path, pairs: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    same = {"lora": changes["lora"]} if "lora" in changes else {}
    trained(tiny_model, pairs, tmp_path / "usual", max_steps=4, **same)
    trained(tiny_model, pairs, tmp_path / "other", max_steps=4, **changes)
    usual = curve(tmp_path / "usual")
    assert usual[0] == pytest.approx(math.log(2), abs=1e-5)
    assert usual[-1] != pytest.approx(usual[0], abs=1e-3)
    assert curve(tmp_path / "other") == pytest.approx(usual, abs=2e-4)


def test_half_a_reference_is_near_the_whole(tiny_model: Path, pairs: Path, tmp_path: Path) -> None:
    trained(tiny_model, pairs, tmp_path / "half", max_steps=1, reference="copy", reference_dtype="bfloat16")
    loss = curve(tmp_path / "half")[0]
    assert loss == pytest.approx(0.6931, abs=0.1)
    assert loss != pytest.approx(0.693147, abs=1e-5)


@pytest.mark.parametrize(("soft", "p"), [(True, 0.75), (False, 1.0)])
def test_soft_labels_change_the_loss_as_the_formula_says(
    tiny_model: Path, one_pair: Path, tmp_path: Path, soft: bool, p: float
) -> None:
    out = tmp_path / "out"
    trained(tiny_model, one_pair, out, batch_size=1, max_steps=2, soft_labels=soft, beta=0.5, learning_rate=1e-2)
    _, row = read_metrics(out / "metrics.jsonl")
    lead = torch.tensor(row["margin"])
    formula = -p * torch.nn.functional.logsigmoid(lead) - (1 - p) * torch.nn.functional.logsigmoid(-lead)
    assert abs(row["margin"]) > 0.1
    assert row["loss"] == pytest.approx(float(formula), rel=1e-4)


def test_the_margin_is_that_of_transformers(tiny_model: Path, one_pair: Path, tmp_path: Path) -> None:
    """What the reference was and what the policy became, computed without any trainer."""
    trained(tiny_model, one_pair, tmp_path / "one", batch_size=1, max_steps=1, learning_rate=1e-3, schedule="constant")
    trained(tiny_model, one_pair, tmp_path / "two", batch_size=1, max_steps=2, learning_rate=1e-3, schedule="constant")
    lead = [
        answer_logp(folder, "Tell me", "The answer is A.") - answer_logp(folder, "Tell me", "B, no.")
        for folder in (tiny_model, tmp_path / "one")
    ]
    assert curve(tmp_path / "two", "margin")[1] == pytest.approx(0.1 * (lead[1] - lead[0]), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    "changes", [{"loss": "ipo"}, {"loss": "hinge"}, {"loss": "robust", "label_smoothing": 0.1}, {"sft_weight": 0.5}]
)
def test_every_loss_trains(tiny_model: Path, pairs: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    trained(tiny_model, pairs, tmp_path / "out", **changes)
    losses_seen = curve(tmp_path / "out")
    assert sum(losses_seen[-3:]) < sum(losses_seen[:3])
    assert curve(tmp_path / "out", "accuracy")[-1] > 0.5


def test_the_settings_choose_the_loss() -> None:
    ratios = torch.tensor([1.0, 0.2]), torch.tensor([-0.5, 0.9])
    lengths = torch.tensor([3, 4]), torch.tensor([5, 6])
    p = torch.tensor([0.7, 0.9])

    def chosen(**changes: Any) -> torch.Tensor:
        return pair_loss(settings(Path("m"), Path("d"), beta=0.3, **changes), ratios, lengths, p)

    torch.testing.assert_close(chosen(), losses.dpo_loss(*ratios, 0.3, p))
    torch.testing.assert_close(chosen(soft_labels=False), losses.dpo_loss(*ratios, 0.3))
    torch.testing.assert_close(chosen(loss="ipo"), losses.ipo_loss(*ratios, 0.3, lengths))
    torch.testing.assert_close(chosen(loss="hinge"), losses.hinge_loss(*ratios, 0.3))
    robust = chosen(loss="robust", label_smoothing=0.2)
    torch.testing.assert_close(robust, losses.robust_loss(*ratios, 0.3, 0.2))


def test_an_added_sft_loss_is_that_of_the_chosen_answer(tiny_model: Path, one_pair: Path, tmp_path: Path) -> None:
    for name, weight in (("without", 0.0), ("with", 2.0)):
        trained(tiny_model, one_pair, tmp_path / name, batch_size=1, max_steps=1, sft_weight=weight)
    encoder, prompt = Encoder.load(str(tiny_model)), ChatPrompt((Message("user", "Tell me"),))
    tokens = len(encoder.answer_ids(prompt, "The answer is A."))
    added = -2.0 * answer_logp(tiny_model, "Tell me", "The answer is A.") / tokens
    assert curve(tmp_path / "with")[0] - curve(tmp_path / "without")[0] == pytest.approx(added, rel=1e-4)


def test_repeated_and_held_out_pairs_have_their_reference(tiny_model: Path, make_pair: Row, tmp_path: Path) -> None:
    for name, numbers in (("train", range(6)), ("eval", range(6, 9))):
        pq.write_table(pa.Table.from_pylist([make_pair(n) for n in numbers]), tmp_path / f"{name}-0.parquet")
    config = settings(tiny_model, tmp_path, epochs=1, learning_rate=1e-9)
    mixed = config.model_copy(update={"data": (DataSource(path=str(tmp_path), weight=2.5),)})
    summary = train(mixed, tmp_path / "out", "never", TrainStats())
    assert summary["steps"] == 4
    assert curve(tmp_path / "out") == pytest.approx([0.693147] * 4, abs=1e-4)
    assert summary["heldout"]["loss"] == pytest.approx(0.693147, abs=1e-4)


def test_held_out_accuracy_is_over_pairs_not_batches(tiny_model: Path, make_pair: Row, tmp_path: Path) -> None:
    heldout = [make_pair(n) for n in range(8, 13)]
    for row in heldout[3:]:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    for name, rows in (("train", [make_pair(n) for n in range(8)]), ("eval", heldout)):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}-0.parquet")
    figures = trained(tiny_model, tmp_path, tmp_path / "out", epochs=4)["heldout"]
    assert figures["accuracy"] == pytest.approx(0.6)
