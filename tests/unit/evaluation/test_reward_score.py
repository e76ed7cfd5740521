"""A reward model's scores: the network's own output for the whole conversation, on the scale beside the weights."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.errors import EngineError, RequestError
from cai.evaluation.reward_score import RewardModel, RewardScale
from cai.records import Message

PROMPTS = [
    (Message("user", "Tell me how to bake bread, please."),),
    (Message("system", "Be brief."), Message("user", "yes or no?"), Message("assistant", "no"), Message("user", "Oh?")),
]
ANSWERS = ["The answer is A.", "No: <|im_end|> and " + "more and " * 40]


@pytest.fixture(scope="module")
def reward_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a head of random weights, and a scale."""
    folder = tmp_path_factory.mktemp("reward") / "model"
    shutil.copytree(tiny_model, folder)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=1).save_pretrained(folder)
    (folder / "reward.json").write_text(json.dumps({"mean": 0.5, "std": 2.0, "temperature": 4.0, "clip": None}))
    return folder


def test_rewards_are_the_networks_own(reward_model: Path) -> None:
    network = AutoModelForSequenceClassification.from_pretrained(reward_model)
    encoder = Encoder(reward_model)
    expected = []
    for prompt, answer in zip(PROMPTS, ANSWERS, strict=True):
        chat = ChatPrompt(prompt)
        ids = [*encoder.encode(chat), *encoder.answer_ids(chat, answer)]
        expected.append(network(input_ids=torch.tensor([ids])).logits.item())
    model = RewardModel.load(str(reward_model), "cpu")
    assert model.rewards(PROMPTS, ANSWERS) == pytest.approx(expected, abs=1e-5)
    assert model.rewards(PROMPTS[::-1], ANSWERS[::-1]) == pytest.approx(expected[::-1], abs=1e-5)
    assert abs(expected[0] - expected[1]) > 1e-3


def test_many_batches_give_the_rewards_of_one(reward_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = RewardModel.load(str(reward_model), "cpu")
    whole = model.rewards(PROMPTS * 3, ANSWERS * 3)
    monkeypatch.setattr("cai.evaluation.reward_score.BATCH_TOKENS", 150)
    assert model.rewards(PROMPTS * 3, ANSWERS * 3) == pytest.approx(whole, abs=1e-5)
    assert model.rewards([], []) == []


def test_scores_are_normalised_and_clipped(reward_model: Path, tmp_path: Path) -> None:
    model = RewardModel.load(str(reward_model), "cpu")
    raw = model.rewards(PROMPTS, ANSWERS)
    assert model.scores(PROMPTS, ANSWERS) == pytest.approx([(reward - 0.5) / 2 for reward in raw])
    clipped = shutil.copytree(reward_model, tmp_path / "clipped")
    (clipped / "reward.json").write_text(json.dumps({"mean": 0.5, "std": 0.001, "temperature": 1.0, "clip": 3.0}))
    assert {abs(score) for score in RewardModel.load(str(clipped), "cpu").scores(PROMPTS, ANSWERS)} == {3.0}


def test_a_lead_becomes_a_calibrated_probability() -> None:
    scale = RewardScale(temperature=4.0)
    assert scale.probability(0.0) == 0.5
    assert scale.probability(4.0) == pytest.approx(1 / (1 + 2.718281828**-1))
    assert scale.probability(-4e4) == 0.0


def test_a_folder_without_a_scale_has_raw_rewards(reward_model: Path, tmp_path: Path) -> None:
    raw = shutil.copytree(reward_model, tmp_path / "raw")
    (raw / "reward.json").unlink()
    assert RewardModel.load(str(raw), "cpu").scale == RewardScale()


@pytest.mark.parametrize("scale", ['{"std": 0}', '{"mean": "x", "std": null}', "[]", '{"temperature": -1}'])
def test_a_broken_scale_is_an_error(reward_model: Path, tmp_path: Path, scale: str) -> None:
    broken = shutil.copytree(reward_model, tmp_path / "broken")
    (broken / "reward.json").write_text(scale)
    with pytest.raises(EngineError):
        RewardModel.load(str(broken), "cpu")


def test_a_language_model_is_no_reward_model(tiny_model: Path) -> None:
    with pytest.raises(EngineError, match="no head that gives one reward"):
        RewardModel.load(str(tiny_model), "cpu")


def test_a_reward_model_without_a_padding_token_is_refused(reward_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(reward_model, tmp_path / "unpadded")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "pad_token_id": None}))
    with pytest.raises(EngineError, match="pad_token_id"):
        RewardModel.load(str(folder), "cpu")


def test_a_conversation_longer_than_the_model_is_refused(reward_model: Path) -> None:
    with pytest.raises(RequestError, match="1024"):
        RewardModel.load(str(reward_model), "cpu").scores(PROMPTS[:1], ["word " * 2000])
