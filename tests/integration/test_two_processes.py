"""Two processes (gloo, on the CPU) take the very step that one takes with the same global batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

pytestmark = pytest.mark.train

WORDS = ("bread", "please", "yes", "no")


def write(path: Path, kind: str) -> Path:
    rows = []
    for n in range(16):
        tail = " ".join(WORDS[: n % 4])
        good, bad = f"The answer is A. {tail}", f"The answer is B. {tail}"
        prompt = f"Tell me {n}"
        rows.append({"prompt": prompt, "completion": good} if kind == "sft" else {"prompt": prompt, "chosen": good})
        rows[-1] |= {} if kind == "sft" else {"rejected": bad, "p_chosen": 0.6 + 0.1 * (n % 4)}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(kind: str, model: Path, data: Path, out: Path, processes: int) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses of three steps, and the weights after them."""
    launcher = ["accelerate.commands.launch", "--cpu", "--num_processes", str(processes), "--num_machines", "1"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "-m"]
    command = [sys.executable, "-m", *(launcher if processes > 1 else []), "cai.cli.main", "train", kind]
    command += ["--model", model, "--data", data, "--out", out, "--batch-size", 8, "--learning-rate", "1e-3", "--json"]
    command += ["--set", "micro_batch_size=4", "--set", "max_steps=3", "--set", "warmup=0"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + (out / "logs" / "training.log").read_text()
    assert len(done.stdout.splitlines()) == 1, done.stdout
    assert json.loads(done.stdout)["steps"] == 3
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 3
    return [row["loss"] for row in rows], load_file(out / "model.safetensors")


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_processes_take_the_step_of_one(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", kind)
    losses, weights = run(kind, tiny_model, data, tmp_path / "one", 1)
    again, others = run(kind, tiny_model, data, tmp_path / "two", 2)
    assert again == pytest.approx(losses, rel=1e-4)
    assert losses[0] != pytest.approx(losses[-1], rel=1e-2)
    for name, tensor in weights.items():
        torch.testing.assert_close(others[name], tensor, atol=5e-5, rtol=1e-3)
