"""What a training step of ours takes beside one of bare TRL, on the sandbox model, the same rows and settings.

The two take turns, so that whatever else the machine does meets them alike. A step is what happens between the begin
and the end of training, divided by the steps; loading, encoding and the reference's log-probabilities are left out.
Bare TRL draws its micro-batches from anywhere; ours sorts the rows of a step by length, so it fills up less. With
--equal-lengths every row has the same length, and what is left is the cost of the code alone.

    python benchmarks/training_step.py [--json] [--rounds 5] [--steps 12] [--equal-lengths]
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from cai.config.training import DpoTraining, SftTraining
from cai.engines.quiet import LogSink, redirected
from cai.resources import model_path
from cai.sandbox.prompts import draw_prompts
from cai.training.output import TrainingFolder
from cai.training.run import train
from cai.training.setup import training_arguments
from cai.training.stats import TrainStats

MODEL = "cai-sandbox"
BATCH, MICRO = 32, 8
SETTINGS: dict[str, Any] = {
    "model": MODEL,
    "batch_size": BATCH,
    "micro_batch_size": MICRO,
    "learning_rate": 1e-5,
    "save_steps": 0,
}
GOAL = 1.05


class Clock(TrainerCallback):
    """Notes when the first step begins."""

    begun = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begun = time.monotonic()


def rows(count: int, equal: bool) -> list[dict[str, Any]]:
    """Prompts of the sandbox with answers of one to five sentences."""
    made = []
    for number, prompt in enumerate(draw_prompts(count // 2, count - count // 2, 0, heldout=False)):
        text = "I will not help with that." if equal else prompt["prompt"]
        sentences = 3 if equal else 1 + number % 5
        made.append(
            {
                "prompt": [{"role": "user", "content": text}],
                "chosen": [{"role": "assistant", "content": " ".join(["I can help with that."] * sentences)}],
                "rejected": [{"role": "assistant", "content": " ".join(["I will not help with that."] * sentences)}],
                "p_chosen": 0.6 + 0.1 * (number % 4),
            }
        )
    return made


def answers(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "completion": row["chosen"]} for row in made]


def ours(kind: str, data: Path, out: Path, steps: int) -> float:
    """Seconds a step."""
    values = {**SETTINGS, "data": [{"path": str(data)}], "max_steps": steps}
    config = (SftTraining if kind == "sft" else DpoTraining).model_validate(values)
    seconds: float = train(config, out, "never", TrainStats())["seconds"]
    return seconds / steps


def bare(kind: str, made: list[dict[str, Any]], out: Path, steps: int) -> float:
    """Seconds a step of TRL's own trainer with the same arguments."""
    values = {**SETTINGS, "data": [{"path": "-"}], "max_steps": steps}
    config = (SftTraining if kind == "sft" else DpoTraining).model_validate(values)
    arguments = {**training_arguments(config, TrainingFolder(out)), "remove_unused_columns": True, "max_length": 1024}
    model = AutoModelForCausalLM.from_pretrained(model_path(MODEL), dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(model_path(MODEL))
    trainer: Any
    if kind == "sft":
        data = Dataset.from_list(answers(made))
        trainer = SFTTrainer(model, SFTConfig(**arguments), train_dataset=data, processing_class=tokenizer)
    else:
        data = Dataset.from_list([{name: row[name] for name in ("prompt", "chosen", "rejected")} for row in made])
        settings = DPOConfig(**arguments, beta=0.1, precompute_ref_log_probs=True)
        trainer = DPOTrainer(model, args=settings, train_dataset=data, processing_class=tokenizer)
    clock = Clock()
    trainer.add_callback(clock)
    trainer.train()
    return (time.monotonic() - clock.begun) / steps


def measure(kind: str, folder: Path, rounds: int, steps: int, equal: bool) -> dict[str, float]:
    """Medians over `rounds`, and one that is not counted."""
    made = rows(BATCH * steps, equal)
    data = folder / f"{kind}.jsonl"
    chosen = answers(made) if kind == "sft" else made
    data.write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(rounds + 1):
        for name, seconds in taken.items():
            out = folder / f"{kind}-{name}"
            if name == "ours":
                step = ours(kind, data, out, steps)
            else:
                with redirected(LogSink(None)):
                    step = bare(kind, made, out, steps)
            shutil.rmtree(out, ignore_errors=True)
            if turn:
                seconds.append(step)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    ratios = [mine / theirs for mine, theirs in zip(taken["ours"], taken["bare"], strict=True)]
    return {
        "ours_ms": round(medians["ours"] * 1000, 1),
        "bare_ms": round(medians["bare"] * 1000, 1),
        "ratio": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--equal-lengths", action="store_true", help="every row has the same length")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            kind: measure(kind, Path(folder), arguments.rounds, arguments.steps, arguments.equal_lengths)
            for kind in ("sft", "dpo")
        }
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{'':<6}{'ours ms':>10}{'bare ms':>10}{'ratio':>8}   (goal: at most {GOAL})")
    for kind, row in figures.items():
        span = f"{row['lowest']} to {row['highest']}"
        print(f"{kind:<6}{row['ours_ms']:>10}{row['bare_ms']:>10}{row['ratio']:>8}   {span}")


if __name__ == "__main__":
    main()
