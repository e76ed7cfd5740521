"""A trained reward model in transformers and in vLLM's pooling runner: the same scores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cai.config.training import RewardTraining
from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.evaluation.reward_score import RewardModel
from cai.records import Message
from cai.training.run import train
from cai.training.stats import TrainStats

pytestmark = [pytest.mark.engine, pytest.mark.train, pytest.mark.timeout(600)]

POOLING = """
import json, sys
from vllm import LLM, PoolingParams
folder, ids = sys.argv[1], json.loads(sys.argv[2])
if __name__ == "__main__":
    llm = LLM(folder, runner="pooling", dtype="float32", enforce_eager=True, max_model_len=1024)
    outputs = llm.encode(
        [{"prompt_token_ids": row} for row in ids],
        pooling_task="classify",
        pooling_params=PoolingParams(use_activation=False),
    )
    with open(sys.argv[3], "w") as file:
        json.dump([float(output.outputs.data[0]) for output in outputs], file)
"""

WORDS = ["bread", "please", "yes", "no", "bake", "how", "tell", "user"]


def conversation(number: int, letter: str) -> tuple[tuple[Message, ...], str]:
    prompt = (Message("user", f"Tell me {number}: {WORDS[number % 8]}?"),)
    return prompt, f"The answer is {letter}. " + " ".join(WORDS[: number % 8])


@pytest.fixture(scope="module")
def reward_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reward model after a few steps, with rewards that differ."""
    folder = tmp_path_factory.mktemp("reward")
    rows = []
    for number in range(32):
        prompt, chosen = conversation(number, "A")
        rows.append(
            {"prompt": prompt[0].content, "chosen": chosen, "rejected": conversation(number, "B")[1], "p_chosen": 0.9}
        )
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = RewardTraining.model_validate(
        {
            "model": str(tiny_model),
            "data": [{"path": str(folder / "pairs.jsonl")}],
            "epochs": 4,
            "learning_rate": 3e-3,
            "batch_size": 16,
            "micro_batch_size": 16,
        }
    )
    train(config, folder / "out", "never", TrainStats())
    return folder / "out"


def test_vllm_gives_the_scores_of_transformers(reward_model: Path, tmp_path: Path) -> None:
    talks = [conversation(number, letter) for number in range(8) for letter in "AB"]
    encoder = Encoder(reward_model)
    ids = [
        [*encoder.encode(ChatPrompt(prompt)), *encoder.answer_ids(ChatPrompt(prompt), answer)]
        for prompt, answer in talks
    ]
    environment = {
        **os.environ,
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "HF_HUB_OFFLINE": "1",
    }
    script = tmp_path / "pooling.py"
    script.write_text(POOLING)
    command = [sys.executable, str(script), str(reward_model), json.dumps(ids), str(tmp_path / "scores.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads((tmp_path / "scores.json").read_text())
    ours = RewardModel.load(str(reward_model), "cpu").rewards(*zip(*talks, strict=True))
    assert theirs == pytest.approx(ours, abs=1e-4)
    assert max(ours) - min(ours) > 0.5
