"""SFT on the tiniest of models: what it learns, what it leaves alone, and what it leaves behind."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from cai.config.training import SftTraining
from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.engines.model_folder import find_adapted
from cai.errors import RunInUse, TrainingError, UsageError
from cai.records import Message
from cai.store.lock import RunLock
from cai.training.output import ResumeMode, read_metrics
from cai.training.run import train
from cai.training.stats import TrainStats

pytestmark = pytest.mark.train

Row = Callable[[int], dict[str, Any]]


def settings(model: Path, data: Path, **changes: Any) -> SftTraining:
    values = {"model": str(model), "data": [{"path": str(data)}], "epochs": 2, "learning_rate": 3e-3, "batch_size": 4}
    return SftTraining.model_validate({**values, "micro_batch_size": 2, **changes})


def trained(model: Path, data: Path, out: Path, resume: ResumeMode = "never", **changes: Any) -> dict[str, Any]:
    return train(settings(model, data, **changes), out, resume, TrainStats())


def answer_loss(model: Any, encoder: Encoder, question: str, answer: str) -> float:
    """Mean negative log-likelihood of an answer, by transformers alone."""
    prompt = ChatPrompt((Message("user", question),))
    ids = [*encoder.encode(prompt), *encoder.answer_ids(prompt, answer)]
    start = len(encoder.encode(prompt))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0, start - 1 : -1].float()
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids[start:])))


@pytest.fixture(scope="module")
def finished(tiny_model: Path, answers: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("sft") / "out"
    return out, trained(tiny_model, answers, out, epochs=4)


def test_it_learns_the_answers(finished: tuple[Path, dict[str, Any]], tiny_model: Path, answers: Path) -> None:
    out, summary = finished
    row = json.loads(answers.read_text().splitlines()[0])
    question, answer = row["prompt"][0]["content"], row["completion"][0]["content"]
    losses = [
        answer_loss(AutoModelForCausalLM.from_pretrained(folder), Encoder.load(str(folder)), question, answer)
        for folder in (tiny_model, out)
    ]
    assert losses[1] < losses[0] / 2
    assert summary["steps"] == 12
    assert summary["train_loss"] > 0


def test_the_folder_is_a_model_with_the_tokenizer_unchanged(
    finished: tuple[Path, dict[str, Any]], tiny_model: Path
) -> None:
    out, _ = finished
    names = {path.name for path in out.iterdir()}
    assert {"config.json", "model.safetensors", "README.md", "training.json", "metrics.jsonl", "summary.json"} <= names
    assert not names & {"checkpoints", "training_args.bin"}
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (out / name).read_bytes() == (tiny_model / name).read_bytes()
    base = json.loads((tiny_model / "config.json").read_text())
    assert json.loads((out / "config.json").read_text()) == base
    assert Encoder.load(str(out)).fingerprint == Encoder.load(str(tiny_model)).fingerprint


def test_the_summary_and_the_metrics_say_what_was_done(finished: tuple[Path, dict[str, Any]], answers: Path) -> None:
    out, summary = finished
    assert json.loads((out / "summary.json").read_text()) == summary
    assert (summary["kind"], summary["epochs"], summary["heldout"]) == ("sft", 4.0, {})
    assert [(row["path"], row["rows"], row["too_long"]) for row in summary["data"]] == [(str(answers), 12, 0)]
    assert {"trl", "peft", "accelerate", "torch", "cai"} <= summary["versions"].keys()
    rows = list(read_metrics(out / "metrics.jsonl"))
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert {"epoch", "loss", "accuracy", "learning_rate", "tokens", "tokens_per_s", "gradient_norm"} <= rows[0].keys()
    assert rows[-1]["tokens"] == summary["tokens"]
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_card_records_the_data(finished: tuple[Path, dict[str, Any]], answers: Path) -> None:
    out, summary = finished
    text = (out / "README.md").read_text()
    assert text.startswith("---\nbase_model:")
    assert f"| `{answers}` | 12 | 1 | 0 | {summary['data'][0]['fingerprint']} |" in text
    assert '"learning_rate": 0.003' in text


def test_prompts_are_not_learned(tiny_model: Path, make_answer: Row, write: Any, tmp_path: Path) -> None:
    """Rows that differ in the prompt's words alone give the same loss at the same place in the answer only."""
    rows = [{"prompt": "Tell me", "completion": "The answer is A."}]
    out = tmp_path / "out"
    trained(tiny_model, write(tmp_path / "one.jsonl", rows), out, max_steps=1, learning_rate=1e-9)
    (row,) = read_metrics(out / "metrics.jsonl")
    model, encoder = AutoModelForCausalLM.from_pretrained(tiny_model), Encoder.load(str(tiny_model))
    assert row["loss"] == pytest.approx(answer_loss(model, encoder, "Tell me", "The answer is A."), rel=1e-5)


def test_a_step_is_the_same_however_it_is_divided(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    weights = []
    for size in (1, 4):
        trained(tiny_model, answers, tmp_path / str(size), micro_batch_size=size, max_steps=2, warmup=0.0)
        weights.append(load_file(tmp_path / str(size) / "model.safetensors"))
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("lora", [None, {"r": 4, "dropout": 0.0}])
def test_activations_computed_twice_change_nothing(
    tiny_model: Path, answers: Path, tmp_path: Path, lora: dict[str, Any] | None
) -> None:
    curves = []
    for twice in (False, True):
        trained(tiny_model, answers, tmp_path / str(twice), gradient_checkpointing=twice, max_steps=3, lora=lora)
        curves.append([row["loss"] for row in read_metrics(tmp_path / str(twice) / "metrics.jsonl")])
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
    assert curves[0][0] != pytest.approx(curves[0][-1], rel=1e-4)


@pytest.mark.parametrize("joined", [{"packing": True, "max_length": 128}, {"padding_free": True}])
def test_joined_rows_do_not_read_their_neighbours(
    tiny_model: Path, answers: Path, tmp_path: Path, joined: dict[str, Any]
) -> None:
    common = {"max_steps": 1, "batch_size": 12, "micro_batch_size": 12, "learning_rate": 1e-9}
    losses = []
    for name, changes in (("apart", {}), ("joined", joined)):
        trained(tiny_model, answers, tmp_path / name, **common, **changes)
        losses.append(next(iter(read_metrics(tmp_path / name / "metrics.jsonl")))["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_held_out_rows_are_measured(tiny_model: Path, make_answer: Row, tmp_path: Path) -> None:
    for name, numbers in (("train", range(8)), ("eval", range(8, 12))):
        pq.write_table(pa.Table.from_pylist([make_answer(n) for n in numbers]), tmp_path / f"{name}-0.parquet")
    summary = trained(tiny_model, tmp_path, tmp_path / "end", max_steps=2)
    assert summary["heldout"]["loss"] > 0
    assert 0 <= summary["heldout"]["accuracy"] <= 1
    rows = list(read_metrics(tmp_path / "end" / "metrics.jsonl"))
    assert [row["step"] for row in rows if "eval_loss" in row] == [2]
    trained(tiny_model, tmp_path, tmp_path / "epoch", evaluate="epoch", epochs=2)
    rows = list(read_metrics(tmp_path / "epoch" / "metrics.jsonl"))
    assert [row["step"] for row in rows if "eval_loss" in row] == [2, 4]
    assert trained(tiny_model, tmp_path, tmp_path / "never", evaluate="never", max_steps=1)["heldout"] == {}


def test_measuring_each_epoch_needs_nothing_held_out(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    assert trained(tiny_model, answers, tmp_path / "out", evaluate="epoch", epochs=1)["heldout"] == {}


def test_a_stopped_training_goes_on_to_the_same_weights(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    whole = trained(tiny_model, answers, tmp_path / "whole", save_steps=2)

    class Stopping(TrainStats):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "step" and value == 5:
                raise KeyboardInterrupt
            super().__setattr__(name, value)

    config = settings(tiny_model, answers, save_steps=2)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "stopped", "never", Stopping())
    assert (tmp_path / "stopped" / "checkpoints" / "checkpoint-4").is_dir()
    stats = TrainStats()
    resumed = train(config, tmp_path / "stopped", "always", stats)
    assert stats.first_step == 4
    assert resumed["tokens"] == whole["tokens"]
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped")]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
    curves = [[row["loss"] for row in read_metrics(tmp_path / name / "metrics.jsonl")] for name in ("whole", "stopped")]
    assert curves[0] == curves[1]


def test_a_training_that_is_done_is_not_repeated(
    finished: tuple[Path, dict[str, Any]], tiny_model: Path, answers: Path
) -> None:
    out, summary = finished
    before = (out / "model.safetensors").stat().st_mtime_ns
    assert train(settings(tiny_model, answers, epochs=4), out, "if_possible", TrainStats()) == summary
    assert (out / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="a training is here already"):
        train(settings(tiny_model, answers, epochs=4), out, "never", TrainStats())


def test_done_with_other_data_is_not_done(tiny_model: Path, make_answer: Row, write: Any, tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", [make_answer(n) for n in range(4)])
    trained(tiny_model, data, tmp_path / "out", max_steps=1)
    write(data, [make_answer(n) for n in range(5)])
    with pytest.raises(UsageError, match="data changed since this training was done"):
        trained(tiny_model, data, tmp_path / "out", "if_possible", max_steps=1)


def test_two_trainings_do_not_share_a_folder(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "logs").mkdir(parents=True)
    lock = RunLock.acquire(tmp_path / "out" / "logs" / "lock")
    with pytest.raises(RunInUse) as caught:
        trained(tiny_model, answers, tmp_path / "out")
    lock.release()
    assert caught.value.where == str(tmp_path / "out")


def test_an_adapter_leaves_the_base_alone_and_loads_with_peft(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    before = (tiny_model / "model.safetensors").read_bytes()
    out = tmp_path / "out"
    trained(tiny_model, answers, out, lora={"r": 4, "alpha": 8}, learning_rate=1e-2)
    assert (tiny_model / "model.safetensors").read_bytes() == before
    assert not (out / "config.json").exists()
    assert find_adapted(str(out)) == (tiny_model, out)
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    encoder = Encoder.load(str(tiny_model))
    plain = answer_loss(base, encoder, "Tell me 0?", "The answer is A.")
    assert (
        answer_loss(PeftModel.from_pretrained(base, str(out)), encoder, "Tell me 0?", "The answer is A.") < plain / 1.5
    )


@pytest.mark.parametrize("lora", [None, {"r": 2, "alpha": 4}])
def test_training_goes_on_from_an_adapter(
    tiny_model: Path, answers: Path, tmp_path: Path, lora: dict[str, Any] | None
) -> None:
    trained(tiny_model, answers, tmp_path / "first", lora={"r": 4, "alpha": 8}, learning_rate=1e-2)
    trained(tmp_path / "first", answers, tmp_path / "second", lora=lora, max_steps=1, learning_rate=1e-9)
    merged = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_model), str(tmp_path / "first")
    ).merge_and_unload()
    weights = load_file(tmp_path / "second" / "model.safetensors")
    for name, tensor in merged.state_dict().items():
        if name in weights:
            torch.testing.assert_close(weights[name], tensor, atol=1e-5, rtol=1e-4)
    assert not torch.equal(
        weights["model.layers.0.self_attn.q_proj.weight"],
        load_file(tiny_model / "model.safetensors")["model.layers.0.self_attn.q_proj.weight"],
    )


def test_bfloat16_is_saved_as_asked(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    trained(tiny_model, answers, tmp_path / "out", dtype="bfloat16", save_dtype="bfloat16", max_steps=2)
    assert {tensor.dtype for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == "bfloat16"


def test_an_adapter_for_other_modules_is_refused(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lora\.targets"):
        trained(tiny_model, answers, tmp_path / "out", lora={"targets": ["w_q"]})


def test_a_loss_that_is_no_number_ends_the_training(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the loss is not a number any more"):
        trained(tiny_model, answers, tmp_path / "out", learning_rate=1e30, max_grad_norm=0.0, epochs=20, warmup=0.0)
    assert not (tmp_path / "out" / "summary.json").exists()


def test_generation_stops_where_the_template_ends_a_turn(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    """A base model ends at another token than its chat template does."""
    base = tmp_path / "base"
    base.mkdir()
    for file in tiny_model.iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    end, other = (Encoder.load(str(base)).answer_ids(ChatPrompt((Message("user", "x"),)), "x")[-1], 5)
    for name in ("config.json", "generation_config.json"):
        values = json.loads((base / name).read_text())
        (base / name).write_text(json.dumps({**values, "eos_token_id": other}))
    trained(base, answers, tmp_path / "out", max_steps=1)
    assert Encoder.load(str(tmp_path / "out")).eos_ids == (other, end)


def test_a_killed_process_goes_on_from_its_checkpoint(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    """The same command again, after kill -9."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cai.cli.main", "train", "sft", "--model", tiny_model, "--data", answers]
    command += ["--out", out, "--epochs", "5", "--batch-size", "1", "--set", "save_steps=2", "--json"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        list(map(str, command)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        while not list((out / "checkpoints").glob("checkpoint-*/trainer_state.json")):
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended with {run.wait(0.02)}")
        run.kill()
    stats = TrainStats()
    config = SftTraining.model_validate(json.loads((out / "training.json").read_text()))
    with pytest.raises(UsageError, match="other settings"):
        train(config.model_copy(update={"epochs": 3.0}), out, "if_possible", stats)
    assert train(config, out, "if_possible", stats)["steps"] == 60
    assert 2 <= stats.first_step < 60
