"""`cai train`: what the options mean, what it prints, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.cli.train import line, view
from cai.cli.training_settings import TrainingChoices, resolve_training
from cai.config.training import DataSource, DpoTraining, LoraSettings
from cai.errors import CaiError, ConfigError, UsageError
from cai.training.stats import TrainStats


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"Tell me {n}", "completion": "yes"}) + "\n" for n in range(4)))
    return path


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def resolved(kind: str, **choices: Any) -> Any:
    return resolve_training(TrainingChoices(kind, **choices))


def test_options_are_settings() -> None:
    config = resolved(
        "dpo",
        model="m",
        data=("a", "b"),
        mixed=("c=d=0.5",),
        lora="r=4, alpha=8,dropout=0",
        epochs=2.5,
        learning_rate=1e-4,
        batch_size=16,
        seed=3,
        overrides=("beta=0.2", "lora.targets=[q_proj]"),
    )
    assert isinstance(config, DpoTraining)
    assert config.data == (DataSource(path="a"), DataSource(path="b"), DataSource(path="c=d", weight=0.5))
    assert config.lora == LoraSettings(r=4, alpha=8, dropout=0.0, targets=("q_proj",))
    assert (config.epochs, config.learning_rate, config.batch_size, config.seed, config.beta) == (2.5, 1e-4, 16, 3, 0.2)


def test_a_file_is_between_defaults_and_options(tmp_path: Path) -> None:
    file = tmp_path / "dpo.yaml"
    file.write_text("kind: dpo\nmodel: m\ndata: [{path: a, weight: 2}]\nbeta: 0.3\nepochs: 4\n")
    config = resolved("dpo", config=file, epochs=1.0, overrides=("loss=ipo",))
    assert (config.beta, config.epochs, config.loss, config.batch_size) == (0.3, 1.0, "ipo", 64)
    assert config.data == (DataSource(path="a", weight=2.0),)
    assert resolved("dpo", config=file, data=("b",)).data == (DataSource(path="b"),)
    with pytest.raises(ConfigError, match=r"dpo\.yaml:1:7"):
        resolved("kto", config=file)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"kind": "ppo"}, ["no training 'ppo'", "sft, reward, dpo, kto"]),
        ({"kind": "sft", "data": ("a",)}, ["no model is named", "--model"]),
        ({"kind": "sft", "model": "m"}, ["no data is named", "--data"]),
        ({"kind": "sft", "model": "m", "mixed": ("a",)}, ["--mix PATH=0.5"]),
        ({"kind": "sft", "model": "m", "mixed": ("a=much",)}, ["--mix PATH=0.5"]),
        ({"kind": "sft", "model": "m", "mixed": ("a=0",)}, ["should be above 0"]),
        ({"kind": "sft", "model": "m", "data": ("a",), "lora": "16"}, ["--lora r=16,alpha=32"]),
        ({"kind": "sft", "model": "m", "data": ("a",), "lora": "rank=16"}, ["lora.rank", "known keys here: r,"]),
        ({"kind": "sft", "model": "m", "data": ("a",), "overrides": ("bta=1",)}, ["bta"]),
    ],
)
def test_what_is_wrong_is_said(choices: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_training(TrainingChoices(**choices))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.train
def test_json_is_the_summary(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = train("sft", "--model", tiny_model, "--data", data, "--out", out, "--set", "max_steps=1", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((out / "summary.json").read_text())
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


@pytest.mark.train
def test_people_see_tables(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = train("sft", "-m", tiny_model, "-d", data, "--mix", f"{data}=0.5", "-o", out, "--set", "max_steps=1")
    assert result.exit_code == 0, result.output
    for words in ("weight", "0.5", "too long", "steps", "mean training loss", "model:"):
        assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sft", "--data", "DATA", "--model", "nowhere/at/all", "--out", "OUT"], 4, "no such model folder"),
        (["sft", "--data", "gone.jsonl", "--model", "cai-sandbox", "--out", "OUT"], 2, "no such file or folder"),
        (["dpo", "--data", "DATA", "--model", "cai-sandbox", "--out", "OUT"], 2, "there is no `chosen` in this row"),
        (["sft", "--data", "DATA", "--model", "cai-sandbox", "--out", "OUT", "--resume", "no"], 2, "no mode 'no'"),
        (["sft", "--data", "DATA", "--model", "cai-sandbox", "--out", "OUT", "--resume", "always"], 2, "to resume"),
    ],
)
def test_errors_have_their_exit_codes(arguments: list[str], code: int, words: str, data: Path, tmp_path: Path) -> None:
    named = {"DATA": str(data), "OUT": str(tmp_path / "out")}
    result = train(*(named.get(argument, argument) for argument in arguments))
    assert isinstance(result.exception, CaiError)
    assert result.exception.exit_code == code
    assert words in str(result.exception)
    assert not (tmp_path / "out" / "summary.json").exists()


def test_progress_has_loss_accuracy_rate_and_time_left() -> None:
    stats = TrainStats()
    assert line(stats).startswith("loading ... ")
    stats.begin(100, 10)
    stats.step, stats.loss, stats.accuracy, stats.tokens = 20, 0.5, 0.75, 1000
    shown = line(stats)
    assert shown.startswith("training: 20/100 steps, loss 0.5000, accuracy 75.0%, ")
    assert "tokens/s" in shown and shown.endswith(" left")
    from cai.cli.console import out

    console = out()
    with console.capture() as captured:
        console.print(view(stats))
    assert "20/100" in captured.get() and "accuracy 75.0%" in captured.get()
    stats.end("measuring")
    assert stats.left_s is None
