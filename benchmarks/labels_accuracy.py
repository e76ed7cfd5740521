"""How often each label method finds the right answer, on the same comparisons with the same seed.

Comparisons: of the sandbox world, where an exact oracle knows the better answer; LLMBar and the evaluation of the
constitutional AI paper, where people said it, if their files are in ../shared/data. Every label is made by the command
that a user would give. By default the sandbox model judges, which knows its own world alone: on the other sets it only
shows that the way there works. Name a real model to measure one.

    python benchmarks/labels_accuracy.py [--json] [--seed 0] [--limit 60] [--out FOLDER] [--model M] [--base-url URL]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from cai.comparisons.given import Given
from cai.comparisons.read import read
from cai.constitution.load import load_constitution
from cai.resources import find
from cai.sandbox.lexicon import lexicon
from cai.sandbox.oracle import prefers, read_request
from cai.sandbox.wordings import aspects
from cai.sandbox.world import AnswerKind, draw_answer, draw_request

SANDBOX = "sandbox"
CONSTITUTION = "constitution/sandbox.yaml"
QUESTION = "Which answer does better what was asked for?"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PUBLISHED = {
    "llmbar natural": DATA / "llmbar" / "Natural.json",
    "llmbar neighbor": DATA / "llmbar" / "Adversarial_Neighbor.json",
    "harmful vs ethical": DATA / "cai_paper" / "evals" / "HarmfulVsEthical.jsonl",
}
_LABELERS = "[{sampling: {temperature: 0, max_new_tokens: 96}}, {sampling: {temperature: 1, max_new_tokens: 96}}]"
_SHORT = ("--set", "roles.labeler={sampling: {temperature: 0, max_new_tokens: 96}}")
METHODS: dict[str, tuple[str, ...]] = {
    "choice": ("--method", "choice"),
    "choice, 3 principles": ("--method", "choice", "--principles", "3"),
    "choice, 3 principles, half turned round": (
        *("--method", "choice", "--principles", "3"),
        *("--set", "generate.labels.negated=0.5"),
    ),
    "cot": ("--method", "cot", *_SHORT),
    "cot, not clamped": ("--method", "cot", "--set", "generate.labels.clamp=[0, 1]", *_SHORT),
    "rating": ("--method", "rating"),
    "ensemble of 2, by cot, 3 principles": (
        *("--method", "ensemble", "--principles", "3"),
        *("--set", f"generate.labels.labelers={_LABELERS}", "--set", "generate.labels.method={kind: cot}"),
    ),
}
SHOWN = ("accuracy", "flip_rate", "label_mass", "longer_preferred", "labelers_agree", "kappa", "spread")
_ONE_PRINCIPLE = "3 principles"
KINDS: tuple[AnswerKind, ...] = ("comply", "refusal", "rude", "evasive")

Row = dict[str, Any]


def sandbox_pairs(count: int, seed: int) -> Iterator[Row]:
    """Requests that training never shows, each with two answers of different kinds."""
    rng = Random(f"labels/{seed}")
    for index in range(count):
        families = lexicon().benign if index % 3 == 0 else lexicon().harmful
        request = draw_request(rng, families, heldout=True)
        first, second = rng.sample(KINDS, 2)
        row = {"prompt": request.text, "response_a": draw_answer(rng, request, first)}
        row["response_b"] = draw_answer(rng, request, second)
        p_a = prefers(request, row["response_a"], row["response_b"])
        yield row | ({"hazard": request.hazard} if request.hazard else {}) | {"right": "ab"[p_a < 0.5]}


def labelled(comparisons: Path, out: Path, options: Sequence[str]) -> Row:
    """What `cai label` prints."""
    command = [sys.executable, "-m", "cai.cli.main", "label", str(comparisons), "--out", str(out), "--json", *options]
    print("cai", *command[3:], file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    row: Row = json.loads(done.stdout)
    if "error" in row:
        raise SystemExit(f"{row['error']['where']}: {row['error']['what']}")
    return row


def oracle_accuracy(comparisons: Path, labels: Path) -> float | None:
    """Agreement with the oracle, asked about the very principles of each label; a tie counts one half."""
    principles = load_constitution(find(CONSTITUTION, "constitution")).principles
    aspect = {p.id: next((tag for tag in p.tags if tag in aspects()), "harm") for p in principles}
    given = {row.number: row.comparison for row in read(comparisons) if isinstance(row, Given)}
    right = []
    for label in map(json.loads, labels.read_text(encoding="utf-8").splitlines()):
        if "failed" in label:
            continue
        pair = given[label["row"]]
        request = read_request(pair.prompt.messages[-1].content)
        asked = dict.fromkeys(vote["principle_id"] for vote in label["votes"])
        views = [prefers(request, pair.response_a, pair.response_b, aspect[principle]) for principle in asked]
        best = sum(views) / len(views)
        if best != 0.5:
            right.append(0.5 if label["p_a"] == 0.5 else float((label["p_a"] > 0.5) == (best > 0.5)))
    return sum(right) / len(right) if right else None


def rows_of(folder: Path, seed: int, limit: int, judge: Sequence[str]) -> Iterator[Row]:
    """A row for each set and method."""
    pairs = folder / "sandbox.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    pairs.write_text("".join(json.dumps(row) + "\n" for row in sandbox_pairs(limit, seed)), encoding="utf-8")
    sets = {SANDBOX: pairs} | {name: path for name, path in PUBLISHED.items() if path.is_file()}
    for name, path in sets.items():
        asked = ("--constitution", CONSTITUTION) if name == SANDBOX else ("--question", QUESTION)
        for method, options in METHODS.items():
            if name != SANDBOX and _ONE_PRINCIPLE in method and "ensemble" not in method:
                # There is one question only.
                continue
            out = folder / name.replace(" ", "-") / method.replace(" ", "-").replace(",", "")
            common = (*asked, "--limit", str(limit), "--seed", str(seed), *judge)
            figures = labelled(path, out, (*common, *options))
            if name == SANDBOX:
                figures["accuracy"] = oracle_accuracy(pairs, out / "labels.jsonl")
            yield {"set": name, "method": method, "labels": figures["labels"], "failed": figures["failed"]} | {
                key: figures[key] for key in SHOWN
            }


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns)]
    lines += [
        ["-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()]
        for row in rows
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=60, help="comparisons of each set")
    parser.add_argument("--out", type=Path)
    for option in ("--model", "--engine", "--base-url", "--pipeline"):
        parser.add_argument(option)
    options = parser.parse_args()
    given = {"--model": options.model, "--engine": options.engine, "--base-url": options.base_url}
    given["--pipeline"] = options.pipeline
    judge = [word for name, value in given.items() if value for word in (name, value)]
    with tempfile.TemporaryDirectory() as temporary:
        rows = list(rows_of(options.out or Path(temporary), options.seed, options.limit, judge))
    if not judge:
        note = "the sandbox model judges: it knows its own world alone, and its figures for other sets mean nothing"
        print(note, file=sys.stderr)
    print(
        json.dumps({"seed": options.seed, "judge": judge or [SANDBOX], "rows": rows}) if options.json else table(rows)
    )


if __name__ == "__main__":
    main()
