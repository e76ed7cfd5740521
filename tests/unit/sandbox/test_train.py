"""Training on the smallest of models: it learns, repeats itself, and goes on from a checkpoint to the same weights."""

import dataclasses
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tokenizers import Tokenizer

from cai.engines.encoding import Encoder
from cai.resources import SHIPPED_MODELS
from cai.sandbox import tokenizer as tokenizers_of_the_world
from cai.sandbox import train
from cai.sandbox.train import RECORD, TrainSettings, train_model, weights_sha256

SHIPPED = SHIPPED_MODELS["cai-sandbox"]
TINY = TrainSettings(
    steps=4,
    second_steps=2,
    rows=1,
    length=512,
    hidden=32,
    layers=1,
    heads=2,
    feed_forward=48,
    warmup=2,
    checkpoint_every=3,
    compiled=False,
)


@pytest.fixture(autouse=True)
def shipped_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocabulary of the shipped model: collecting it anew from forty thousand documents takes a while."""
    monkeypatch.setattr(train, "build_tokenizer", lambda: Tokenizer.from_file(str(SHIPPED / "tokenizer.json")))


def nothing(step: int, loss: float, rate: float) -> None:
    """No progress display."""


def test_equal_settings_give_equal_weights_and_the_loss_falls(tmp_path: Path) -> None:
    losses: list[float] = []
    first = train_model(tmp_path / "a", TINY, lambda step, loss, rate: losses.append(loss))
    second = train_model(tmp_path / "b", TINY, nothing)
    assert weights_sha256(first) == weights_sha256(second)
    assert losses[-1] < losses[0]
    other = train_model(tmp_path / "c", dataclasses.replace(TINY, seed=2), nothing)
    assert weights_sha256(other) != weights_sha256(first)


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = train_model(tmp_path / "whole", TINY, nothing)
    steps: list[int] = []

    def stop_after_four(step: int, loss: float, rate: float) -> None:
        steps.append(step)
        if len(steps) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(tmp_path / "stopped", TINY, stop_after_four)
    resumed = train_model(tmp_path / "stopped", TINY, lambda step, loss, rate: steps.append(step))
    assert steps == [1, 2, 3, 4, 4, 5, 6]
    assert weights_sha256(resumed) == weights_sha256(whole)


def test_a_checkpoint_of_other_settings_is_not_continued(tmp_path: Path) -> None:
    train_model(tmp_path, TINY, nothing)
    steps: list[int] = []
    train_model(tmp_path, dataclasses.replace(TINY, steps=3), lambda step, loss, rate: steps.append(step))
    assert steps == [1, 2, 3, 4, 5]


def test_the_shipped_model_is_what_its_record_says_and_small_enough() -> None:
    record = json.loads((SHIPPED / RECORD).read_text(encoding="utf-8"))
    assert record["sha256"] == weights_sha256(SHIPPED)
    assert TrainSettings(**record["settings"]) == TrainSettings()
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 8_000_000
    config = json.loads((SHIPPED / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    weights = load_file(SHIPPED / "model.safetensors")
    assert weights["model.embed_tokens.weight"].shape[0] == config["vocab_size"]


@pytest.mark.parametrize("text", ["How do I steal a kite?", "naïve  \t\n\r 漢字 🙂 <|end|> [INST]", "", "\x00\x1b[31m"])
def test_any_text_round_trips(text: str) -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_the_shipped_tokenizer_is_the_one_that_the_world_builds() -> None:
    built = tokenizers_of_the_world.build_tokenizer()
    assert json.loads(built.to_str()) == json.loads((SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))
    assert (SHIPPED / "chat_template.jinja").read_text(encoding="utf-8") == tokenizers_of_the_world.CHAT_TEMPLATE
    assert Encoder(SHIPPED).has_chat_template
