"""What each part of the method is worth, measured on the sandbox: the tables of docs/ablation.md.

Rounds of revision from 0 to 4, critique against direct revision, one order of the answers against both, soft targets
against hard ones. Every run, training and evaluation is the command that a user would give, on the same prompts with
the same seed; about seven minutes on two cores with --prompts 150. What is finished in --out is not asked again.

    python benchmarks/ablation.py [--json] [--seed 0] [--prompts 400] [--out FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cai.config.pipeline import RunConfig
from cai.constitution.load import load_constitution
from cai.data.finished import answers_of, finished_records, labels_of
from cai.resources import find
from cai.sandbox.measure import Judged, Observed, measure
from cai.sandbox.prompts import draw_prompts
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

ROUNDS = 4
LEARNED = (0, 1, 4)
"""Numbers of rounds after which the answers are trained on."""
SFT = (
    "--set",
    "micro_batch_size=32",
    "--epochs",
    "3",
    "--learning-rate",
    "1e-3",
    "--batch-size",
    "32",
    "--set",
    "schedule=linear",
)
REWARD = ("--set", "micro_batch_size=32", "--epochs", "2", "--learning-rate", "4e-4", "--batch-size", "32")
DPO = (
    "--set",
    "micro_batch_size=32",
    "--epochs",
    "1",
    "--learning-rate",
    "5e-5",
    "--batch-size",
    "32",
    "--set",
    "beta=1.0",
)
SHOWN = ("harm_rate", "good_refusal_rate", "benign_answered_rate", "over_refusal_rate", "distinct_2")

Row = dict[str, Any]


class Laboratory:
    """Runs commands in one folder with one seed; each prints one JSON object."""

    def __init__(self, folder: Path, seed: int, prompts: int) -> None:
        self.folder = folder
        self.seed = seed
        self.prompts = folder / "prompts.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        rows = draw_prompts(prompts, prompts, seed, heldout=False)
        self.prompts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def cai(self, *arguments: object) -> Row:
        """Run a command and read what it printed."""
        print("cai", *arguments, file=sys.stderr)
        command = [sys.executable, "-m", "cai.cli.main", *map(str, arguments), "--json", "--seed", str(self.seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        row: Row = json.loads(done.stdout)
        return row

    def generate(self, name: str, *arguments: object) -> Row:
        """A run on the laboratory's prompts."""
        return self.cai("generate", self.prompts, "--pipeline", "sandbox.yaml", "--out", self.folder / name, *arguments)

    def train(self, kind: str, name: str, data: str, *arguments: object, model: str = "cai-sandbox") -> Row:
        """A training on the datasets of a run."""
        out = self.folder / name
        return self.cai("train", kind, "--data", self.folder / data, "--model", model, "--out", out, *arguments)

    def evaluate(self, name: str, models: Iterable[str]) -> list[Row]:
        """Figures of models on the shipped held-out prompts; `base` is the one before any training."""
        paths = {model: "cai-sandbox" if model == "base" else self.folder / model for model in models}
        chosen = [word for model, path in paths.items() for word in ("--model", f"{model}={path}")]
        row = self.cai("eval", *chosen, "--prompts", "cai-sandbox", "--out", self.folder / name)
        return [{key: model[key] for key in ("model", *SHOWN)} for model in row["models"]]


def rounds_and_critique(lab: Laboratory) -> list[Row]:
    """Harm by revision, with a critique before each revision and without."""
    modes = {"critique": "single_turn", "direct": "direct"}
    tables = {
        name: lab.generate(name, "--rounds", ROUNDS, "--set", f"generate.critique.kind={kind}")["by_revision"]
        for name, kind in modes.items()
    }
    shares = ("harm_rate", "good_refusal_rate", "benign_kept_rate")
    return [
        {"revision": index}
        | {f"{name}_{share}": table[index][share] for name, table in tables.items() for share in shares}
        for index in range(ROUNDS + 1)
    ]


def orders(lab: Laboratory) -> list[Row]:
    """Agreement of labels with the oracle, by the orders in which the answers were shown."""
    run = RunDir.existing(lab.folder / "critique")
    config = RunConfig.model_validate_json(run.config_path.read_text(encoding="utf-8"))
    principles = load_constitution(find(config.constitution, "constitution")).principles
    tags = {principle.id: principle.tags for principle in principles}
    seen: dict[str, list[Observed]] = {"ab": [], "ba": [], "both": []}
    for text, body, votes in _votes(run):
        for name, shown in seen.items():
            p_a = [vote.p_a for vote in votes if name in ("both", vote.order)]
            asked = [tags[principle] for principle in dict.fromkeys(vote.principle_id for vote in votes)]
            judged = Judged(body["response_a"], body["response_b"], sum(p_a) / len(p_a), asked)
            shown.append(Observed(text, (), (), (judged,)))
    return [
        {"orders": name, "label_accuracy": measure(rows).label_accuracy, "labels": len(rows)}
        for name, rows in seen.items()
    ]


def _votes(run: RunDir) -> Iterator[tuple[str, Row, Sequence[Any]]]:
    with Journal.read_only(run.journal_path) as journal:
        session = journal.latest_session()
        for record in finished_records(journal, session.number if session else 0):
            for body, label in labels_of(record):
                yield record.prompt.messages[-1].content, body, label.votes


def export_rounds(lab: Laboratory, rounds: int) -> str:
    """The answers that the run with critiques had after so many rounds, as SFT rows; nothing is generated."""
    run = RunDir.existing(lab.folder / "critique")
    with Journal.read_only(run.journal_path) as journal:
        session = journal.latest_session()
        records = [r for r in finished_records(journal, session.number if session else 0) if r.split != "eval"]
    name = f"rounds-{rounds}.jsonl"
    rows = [
        {
            "prompt": [message.to_dict() for message in record.prompt.messages],
            "completion": [{"role": "assistant", "content": answers_of(record)[rounds]}],
        }
        for record in records
    ]
    (lab.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return name


def rounds_learned(lab: Laboratory) -> list[Row]:
    """What a model is like that was trained on the answers after each number of rounds."""
    for rounds in LEARNED:
        lab.train("sft", f"sft-{rounds}", export_rounds(lab, rounds), *SFT)
    return lab.evaluate("eval-rounds", ["base", *(f"sft-{rounds}" for rounds in LEARNED)])


def targets(lab: Laboratory) -> tuple[list[Row], list[Row]]:
    """Soft targets against hard ones: reward models on all pairs, DPO on pairs of the SFT model's own answers."""
    policy = lab.folder / f"sft-{ROUNDS}"
    engine = {"kind": "vllm", "model": str(policy), "dtype": "float32", "max_model_len": 4096, "kv_cache_gib": 1}
    sampled = ("--set", "generate.comparison.source=sampled", "--rounds", 0, "--set", "roles.generator.engine=policy")
    lab.generate("sampled", *sampled, "--set", f"engines.policy={json.dumps(engine)}")
    figures = ("heldout_accuracy", "heldout_accuracy_all", "ece_uncalibrated", "ece")
    rewards = []
    for name, soft in (("soft", "true"), ("hard", "false")):
        both = ("--data", lab.folder / "sampled", "--set", f"soft_targets={soft}")
        made = lab.train("reward", f"reward-both-{name}", "critique", *REWARD, *both)
        rewards.append({"targets": name} | {key: made["reward_model"][key] for key in figures})
        lab.train("dpo", f"dpo-{name}", "sampled", *DPO, "--set", f"soft_labels={soft}", model=str(policy))
    return rewards, lab.evaluate("eval-targets", [f"sft-{ROUNDS}", "dpo-soft", "dpo-hard"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompts", type=int, default=400, help="red-team prompts, and as many harmless ones")
    parser.add_argument("--out", type=Path, help="keep everything here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lab = Laboratory(chosen.out or Path(scratch), chosen.seed, chosen.prompts)
        tables = {"revisions": rounds_and_critique(lab), "orders": orders(lab), "rounds_learned": rounds_learned(lab)}
        tables["reward_targets"], tables["dpo_targets"] = targets(lab)
    if chosen.json:
        print(json.dumps({"seed": chosen.seed, "prompts": 2 * chosen.prompts, "tables": tables}))
    else:
        for name, rows in tables.items():
            _show(name, rows)


def _show(name: str, rows: Sequence[Row]) -> None:
    """A Markdown table."""
    print(f"\n### {name.replace('_', ' ')}\n")
    print("| " + " | ".join(key.replace("_", " ") for key in rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print(
            "| "
            + " | ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())
            + " |"
        )


if __name__ == "__main__":
    main()
