"""KTO on the tiniest of models: it tells good from bad, from marked rows and from pairs alike."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from cai.config.training import KtoTraining
from cai.errors import DatasetError, UsageError
from cai.training.kto import with_partners
from cai.training.output import read_metrics
from cai.training.run import train
from cai.training.stats import TrainStats


def settings(model: Path, data: Path, **changes: Any) -> KtoTraining:
    values = {"model": str(model), "data": [{"path": str(data)}], "epochs": 3, "learning_rate": 1e-3, "batch_size": 8}
    return KtoTraining.model_validate({**values, "micro_batch_size": 4, "warmup": 0.0, **changes})


def trained(model: Path, data: Path, out: Path, **changes: Any) -> dict[str, Any]:
    return train(settings(model, data, **changes), out, "never", TrainStats())


def rows_of(out: Path) -> list[dict[str, Any]]:
    return list(read_metrics(out / "metrics.jsonl"))


@pytest.mark.train
def test_it_learns_from_pairs_and_leaves_the_reference_alone(tiny_model: Path, pairs: Path, tmp_path: Path) -> None:
    before = (tiny_model / "model.safetensors").read_bytes()
    summary = trained(tiny_model, pairs, tmp_path / "out")
    assert (tiny_model / "model.safetensors").read_bytes() == before
    old, new = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "out"))
    assert not torch.equal(old["model.norm.weight"], new["model.norm.weight"])
    rows = rows_of(tmp_path / "out")
    assert (summary["steps"], summary["data"][0]["rows"]) == (9, 24)
    assert rows[0]["loss"] == pytest.approx(0.5, abs=1e-4)
    assert rows[-1]["loss"] < 0.4
    assert rows[-1]["rewards_chosen"] > rows[-1]["rewards_rejected"]
    assert {"kl", "accuracy", "margin"} <= rows[-1].keys()


@pytest.mark.train
def test_marked_rows_give_what_their_pairs_give(tiny_model: Path, pairs: Path, write: Any, tmp_path: Path) -> None:
    marked = []
    for row in map(json.loads, pairs.read_text().splitlines()):
        marked += [{"prompt": row["prompt"], "completion": row["chosen"], "label": True}]
        marked += [{"prompt": row["prompt"], "completion": row["rejected"], "label": False}]
    path = write(tmp_path / "marked.jsonl", marked)
    curves = []
    for name, data in (("pairs", pairs), ("marked", path)):
        trained(tiny_model, data, tmp_path / name, max_steps=3)
        curves.append([row["loss"] for row in rows_of(tmp_path / name)])
    assert curves[0] == curves[1]


@pytest.mark.train
@pytest.mark.parametrize("changes", [{"reference": "copy"}, {"lora": {"r": 4}, "reference": "adapter_base"}])
def test_every_way_to_keep_the_reference_agrees(
    tiny_model: Path, pairs: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    same = {"lora": changes["lora"]} if "lora" in changes else {}
    curves = []
    for name, how in (("usual", same), ("other", changes)):
        trained(tiny_model, pairs, tmp_path / name, max_steps=3, **how)
        curves.append([row["loss"] for row in rows_of(tmp_path / name)])
    assert curves[0][-1] != pytest.approx(0.5, abs=1e-3)
    assert curves[1] == pytest.approx(curves[0], abs=2e-4)


@pytest.mark.train
def test_weights_scale_the_two_sides(tiny_model: Path, write: Any, tmp_path: Path) -> None:
    """At the start every answer loses one half, times its weight."""
    rows = [{"prompt": f"Tell me {n}", "completion": "yes", "label": n > 0} for n in range(4)]
    data = write(tmp_path / "rows.jsonl", rows)
    trained(tiny_model, data, tmp_path / "out", batch_size=4, max_steps=1, desirable_weight=2.0, undesirable_weight=6.0)
    assert rows_of(tmp_path / "out")[0]["loss"] == pytest.approx((3 * 2.0 + 6.0) / 4 / 2, rel=1e-4)


def dataset(prompts: list[list[int]], rows: list[int]) -> Any:
    columns = {"prompt_ids": prompts, "completion_ids": [[10 + row] for row in rows], "row": rows}
    return Dataset.from_dict(columns)


def test_partners_answer_other_prompts_and_stay_the_same() -> None:
    data = dataset([[1], [1], [2], [2], [3], [1]], [0, 1, 2, 3, 4, 0])
    partners = with_partners(data, 7)["KL_completion_ids"]
    answered = {10: [1], 11: [1], 12: [2], 13: [2], 14: [3]}
    for prompt, (answer,) in zip(data["prompt_ids"], partners, strict=True):
        assert answered[answer] != prompt
    assert partners[0] == partners[5]
    assert list(partners) == list(with_partners(data, 7)["KL_completion_ids"])
    assert any(list(partners) != list(with_partners(data, seed)["KL_completion_ids"]) for seed in range(5))


def test_one_prompt_alone_cannot_be_learned_from() -> None:
    with pytest.raises(DatasetError, match="all rows have the same prompt"):
        with_partners(dataset([[1], [1]], [0, 1]), 0)


@pytest.mark.train
def test_one_row_at_a_time_gives_no_estimate(tiny_model: Path, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="KTO needs two rows at once"):
        trained(tiny_model, pairs, tmp_path / "out", micro_batch_size=1)
