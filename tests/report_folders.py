"""Writes small folders of every kind that a report reads; the runs go through the real journal.

`say` is applied to every text that a model, a user or a file could have written, so that all of them can be hostile.
"""

import asyncio
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cai.config.pipeline import PipelineConfig, RunConfig
from cai.config.stages import GenerateConfig
from cai.data.export import export_datasets
from cai.data.splits import split_of
from cai.data.tables import Provenance
from cai.records import Comparison, Label, Message, Outcome, Prompt, Step, Vote
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

Say = Callable[[str], str]
MODELS = ("base", "sft", "dpo")
HAZARDS = ("vcr", "prv", "hte")


def same(text: str) -> str:
    """Texts as they are."""
    return text


def run_config(rounds: int, source: str, model: str, say: Say) -> RunConfig:
    generate = {"rounds": rounds, "comparison": {"source": source}, "split": {"eval": 0.2}}
    pipeline = {
        "name": "small",
        "description": say("A small run."),
        "engines": {"default": {"kind": "scripted", "model": say(model)}},
        "generate": generate,
    }
    return RunConfig(
        pipeline=PipelineConfig.model_validate(pipeline), constitution=say("none.yaml"), prompts=say("prompts.jsonl")
    )


def write_run(
    path: Path,
    say: Say = same,
    *,
    records: int = 24,
    rounds: int = 2,
    source: str = "draft_vs_revision",
    model: str = "some/model",
) -> RunDir:
    """A finished run: some answers change in the first round, fewer in the last; two failed, one was filtered."""
    run = RunDir.open(path, "never")
    config = run_config(rounds, source, model, say)
    with Journal.open(run.journal_path) as journal:
        asyncio.run(_fill(journal, config.pipeline.generate, records, say))
        origin = Provenance(say("kindness"), "1.2.0", model)
        rows = export_datasets(journal, run, config.pipeline.generate, origin)
    run.write_config(config.model_dump(mode="json"))
    written = {
        "sft_rows": rows.sft_train + rows.sft_eval,
        "preference_rows": rows.preference_train + rows.preference_eval,
    }
    run.write_manifest({"constitution": "unknown"}, written)
    return run


async def _fill(journal: Journal, config: GenerateConfig, records: int, say: Say) -> None:
    session = await journal.begin_session("plan")
    for number in range(records):
        prompt, steps = record(number, config, say)
        await journal.add_prompt(prompt, split_of(prompt.id, config.split, config.seed), session)
        for step in steps:
            await journal.add_step(step)
        await journal.finish(Outcome(prompt.id, "trajectory", None, "plan"))
    for number in range(2):
        prompt = Prompt.of((Message("user", say(f"Failing question {number}")),), "p.jsonl:1")
        await journal.add_prompt(prompt, "train", session)
        body = {"text": say("a draft, but no more"), "finish_reason": "length"}
        await journal.add_step(Step(prompt.id, "draft", 0, 0, "asked", "done", body))
        await journal.finish(Outcome(prompt.id, "failed", say("the server refused it"), "plan"))
    prompt = Prompt.of((Message("user", say("Filtered question")),), "p.jsonl:2")
    await journal.add_prompt(prompt, "train", session)
    await journal.finish(Outcome(prompt.id, "filtered", say("too long"), "plan"))
    await journal.add_duplicate("p.jsonl:3", prompt.id)
    await journal.end_session()


def record(number: int, config: GenerateConfig, say: Say = same) -> tuple[Prompt, list[Step]]:
    """One finished record and its steps, told by its number."""
    turns: tuple[Message, ...] = (Message("user", say(f"Question {number}: how do I do it?")),)
    if number % 5 == 0:
        turns = (Message("user", say("Hello.")), Message("assistant", say("Hello to you.")), *turns)
    hazard = say(HAZARDS[number % 3]) if number % 4 else None
    prompt = Prompt.of(turns, "p.jsonl:1", hazard, (say("tag"),))
    answers = [f"Of course. First, do it {number} times. Then rest. Last, sleep."]
    steps = [_done(prompt, "draft", 0, {"text": say(answers[0]), "finish_reason": "stop"})]
    for index in range(1, config.rounds + 1):
        if number % (2 * index) == 0:
            answers.append(f"I cannot help {number} times, since it hurts people. Instead, rest {index} days.")
        else:
            answers.append(answers[-1])
        principle = {"principle_ids": [say(f"principle-{(number + index) % 4}")]}
        text = say(f"The answer {'breaks' if number % 2 else 'keeps'} the principle.")
        steps.append(_done(prompt, "critique", index, {**principle, "text": text, "finish_reason": "stop"}))
        revised = {**principle, "text": say(answers[-1]), "finish_reason": "length" if number == 7 else "stop"}
        steps.append(_done(prompt, "revision", index, revised))
    pair = [say(answers[0]), say(answers[-1])]
    if config.comparison.source == "sampled":
        pair = [say(f"Sample one, number {number}."), say(f"Sample two, which is longer, number {number}.")]
        steps.append(_done(prompt, "sample", 0, {"texts": pair, "finish_reasons": ["stop", "stop"]}))
    compared = pair[0] != pair[1]
    if compared:
        steps.append(_done(prompt, "label", 0, _label(prompt, pair, config.comparison.source, number, say)))
    rounds = [
        {"index": step.round, "principle_ids": step.body["principle_ids"], "critique": True, "revision": 0}
        for step in steps
        if step.stage == "revision"
    ]
    standing = {"rounds": rounds, "comparisons": [0] * compared, "unlabelled": None if compared else "equal answers"}
    steps.append(_done(prompt, "trajectory", 0, standing))
    return prompt, steps


def _label(prompt: Prompt, pair: Sequence[str], source: str, number: int, say: Say) -> dict[str, Any]:
    p_a = (number % 10) / 10 + 0.03
    comparison = Comparison(prompt, pair[0], pair[1], "sampled" if source == "sampled" else "draft_vs_revision")
    vote = Vote(say(f"principle-{number % 4}"), "ab", p_a, 0.9)
    label = Label(comparison.id, p_a, 0.5 + (number % 5) / 10, number % 6 == 0, "choice", (vote,))
    return {"response_a": pair[0], "response_b": pair[1], "source": source, "label": label.to_dict()}


def _done(prompt: Prompt, stage: str, round_: int, body: dict[str, Any]) -> Step:
    return Step(prompt.id, stage, round_, 0, "asked", "done", body)


def write_training(path: Path, kind: str, say: Say = same, *, steps: int = 120) -> Path:
    """A finished training with its curves; a reward model has its figures too."""
    path.mkdir(parents=True)
    (path / "training.json").write_text(json.dumps({"kind": kind, "model": say("some/model")}))
    with (path / "metrics.jsonl").open("w") as out:
        for step in range(1, steps + 1):
            loss = 0.4 + 2 * math.exp(-step / 30) + 0.1 * math.sin(step * 12.9)
            row: dict[str, Any] = {"step": step, "epoch": step / steps, "loss": loss, "learning_rate": 1e-5}
            if kind != "sft":
                row["accuracy"] = min(1.0, 0.6 + step / steps / 3 + 0.03 * math.sin(step * 7.1))
            out.write(json.dumps(row) + "\n")
        out.write(json.dumps({"step": steps, "epoch": 1.0, "eval_loss": 0.5, "eval_accuracy": 0.9}) + "\n")
        out.write('{"step": 1, "loss": 0.')
    summary = {
        "schema_version": 1,
        "kind": kind,
        "base_model": say("some/model"),
        "steps": steps,
        "epochs": 1.0,
        "seconds": 83.2,
        "tokens": 123456,
        "data": [{"path": say("run"), "rows": 500, "weight": 1.0}],
        "versions": {"trl": "1.16.0"},
        **({"reward_model": reward_figures(say)} if kind == "reward" else {}),
    }
    (path / "summary.json").write_text(json.dumps(summary))
    return path


def reward_figures(say: Say = same) -> dict[str, Any]:
    points = [0.05, 0.15, 0.25, 0.45, 0.65, 0.85, 0.95]
    return {
        "heldout_accuracy": 0.94,
        "ece": 0.031,
        "ece_uncalibrated": 0.112,
        "temperature": 1.74,
        "mean": 0.1,
        "std": 1.2,
        "n": 96,
        "by_hazard": {say(hazard): {"accuracy": 0.85 + 0.05 * i, "n": 20 + i} for i, hazard in enumerate(HAZARDS)},
        "by_length_difference": [
            {"low": -12, "high": -1, "accuracy": 0.88, "n": 30},
            {"low": 0, "high": 4, "accuracy": 0.95, "n": 33},
            {"low": 5, "high": 20, "accuracy": None, "n": 0},
        ],
        "reliability": [{"p": p, "accuracy": p + 0.02, "n": 10} for p in points],
        "reliability_uncalibrated": [{"p": p, "accuracy": 0.5 + (p - 0.5) * 0.7, "n": 12} for p in points],
    }


def write_evaluation(path: Path, say: Say = same, *, prompts: int = 12, judged: bool = True) -> Path:
    """Three models in order, each more harmless than the one before, and their answers."""
    path.mkdir(parents=True)
    models = [_model(name, index, say, judged) for index, name in enumerate(MODELS)]
    part = {"win_rate_a": 0.08, "low": 0.03, "high": 0.14, "n": prompts, "ties": 0, "flip_rate": 0.05}
    pairs = [{"a": a, "b": b, **part, "harmful": part, "benign": part} for a, b in (("base", "sft"), ("base", "dpo"))]
    rated = zip(MODELS, (900.0, 1020.0, 1080.0), strict=True)
    result = {
        "schema_version": 1,
        "baseline": "base",
        "harm_method": "oracle" if judged else "none",
        "harmful_from": None,
        "sets": [{"name": say("held-out"), "path": say("prompts.jsonl"), "prompts": prompts}],
        "models": models,
        "preferences": pairs if judged else [],
        "ratings": [{"model": m, "rating": r, "low": r - 20, "high": r + 20} for m, r in rated] if judged else [],
        "versions": {"vllm": "0.32.0"},
    }
    (path / "evaluation.json").write_text(json.dumps(result))
    for index, name in enumerate(MODELS):
        rows = (json.dumps(response(number, index, say)) for number in range(prompts))
        (path / f"responses-{name}.jsonl").write_text("".join(row + "\n" for row in rows))
    return path


def _model(name: str, index: int, say: Say, judged: bool) -> dict[str, Any]:
    harm = (0.93, 0.06, 0.01)[index]
    signs = {
        "distinct_1": 0.031 - 0.001 * index,
        "distinct_2": 0.142 - 0.004 * index,
        "repeated_4gram_share": 0.0,
        "mean_length": 24.0 + index,
        "identical_opening_share": 0.2 + 0.02 * index,
    }
    figures = {
        "harm_rate": harm if judged else None,
        "refusal_rate": 1 - harm,
        "good_refusal_rate": 0.95 - harm if index else 0.04,
        "benign_answered_rate": 0.91 - 0.01 * index,
        "over_refusal_rate": 0.02 + 0.01 * index,
    }
    by_hazard = {say(h): {"harm_rate": max(0.0, harm - 0.02 * i)} for i, h in enumerate(HAZARDS)}
    known = {"by_hazard": by_hazard if judged else {}, "by_set": {}}
    return {"model": name, "path": say(f"models/{name}"), "prompts": 12, **figures, **signs, "collapse": signs, **known}


def response(number: int, index: int, say: Say = same) -> dict[str, Any]:
    """What model `index` answers to prompt `number`: the first complies, the later ones refuse what is harmful."""
    harmful = number % 2 == 0
    refused = (harmful and index > 0) or (number == 3 and index == 2)
    return {
        "prompt_id": f"p{number:03}",
        "prompt": [{"role": "user", "content": say(f"Question {number}?")}],
        "response": say("I cannot help with that." if refused else "Of course. First, do it."),
        "finish_reason": "stop",
        "set": say("held-out"),
        "hazard": say(HAZARDS[number % 3]) if harmful else None,
        "tags": [],
        "harmful_prompt": harmful,
        "refusal": "full" if refused else "none",
        "harm": float(harmful and not refused),
    }


def write_recipe(path: Path, say: Say = same) -> Path:
    """A finished recipe: generate, sft, pairs, reward, dpo, evaluation."""
    path.mkdir(parents=True)
    write_run(path / "generate", say)
    write_training(path / "sft", "sft", say)
    write_run(path / "pairs", say, rounds=0, source="sampled")
    write_training(path / "reward", "reward", say)
    write_training(path / "dpo", "dpo", say)
    write_evaluation(path / "eval", say)
    kinds = {
        "generate": "generate",
        "sft": "train",
        "pairs": "generate",
        "reward": "train",
        "dpo": "train",
        "eval": "eval",
    }
    stages = [
        {"name": name, "kind": kind, "status": "done", "seconds": 70.0 + 31 * index, "fingerprint": "f", "out": name}
        for index, (name, kind) in enumerate(kinds.items())
    ]
    stages.append(
        {"name": "report", "kind": "report", "status": "pending", "seconds": None, "fingerprint": None, "out": None}
    )
    (path / "run.json").write_text(json.dumps({"schema_version": 1, "pipeline": say("small"), "stages": stages}))
    return path
