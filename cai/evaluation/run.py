"""One evaluation, from its sets of prompts to evaluation.json. One engine runs at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.config.evaluation import EvaluationConfig, HarmMethod
from cai.config.roles import EngineConfig, OpenAIConfig
from cai.errors import UsageError
from cai.evaluation.answering import Answers, Workplace, answer
from cai.evaluation.figures import Row, against, model_figures
from cai.evaluation.ledger import Ledger
from cai.evaluation.oracle import Oracle
from cai.evaluation.refusal import detect_refusal
from cai.evaluation.stats import EvaluationStats
from cai.evaluation.suites import Item, PromptSet, load_sets, unmarked
from cai.records import SCHEMA_VERSION
from cai.store.atomic import make_folder, write_text
from cai.store.journal import Journal
from cai.store.run_dir import versions

LEDGER = "evaluation.db"
RESULT = "evaluation.json"


@dataclass
class Examined:
    """A model, its answers and what was found out about them."""

    answers: Answers
    rows: list[Row]


async def evaluate(
    config: EvaluationConfig, out: Path, oracle: Oracle | None, stats: EvaluationStats
) -> dict[str, Any]:
    """Evaluate, and write evaluation.json, config.json and the responses of each model.

    If it is cancelled, all answers and verdicts so far are kept and the same command goes on from there.

    Args:
        config: The resolved settings.
        out: Folder of the results; made if it is absent.
        oracle: Something that knows the truth in a world of its own, or None.
        stats: Counters, kept up to date for whoever watches.

    Returns:
        What evaluation.json holds.

    Raises:
        CaiError: Whatever ended it before its time, with its exit code.
    """
    sets = load_sets(config)
    method = harm_method(config, sets, oracle)
    _claim(out)
    with Journal.open(out / LEDGER) as journal:
        write_text(out / "config.json", _pretty(config.model_dump(mode="json")))
        place = Workplace(config, Ledger(journal), stats, out / "logs")
        prompts = {item.prompt.id: item.prompt for found in sets for item in found.items}
        models = []
        for name in config.models:
            answers = await answer(place, name, prompts)
            models.append(Examined(answers, _rows(sets, answers, oracle if method == "oracle" else None)))
        stats.begin("writing the results")
        result = _result(config, sets, method, models)
        _write(out, result, models)
    return result


def harm_method(config: EvaluationConfig, sets: Sequence[PromptSet], oracle: Oracle | None) -> HarmMethod:
    """How harm is found out, with `auto` decided.

    Raises:
        UsageError: The oracle is asked for, but there is none for these prompts.
    """
    wanted = config.harm.method
    if wanted not in ("auto", "oracle"):
        return wanted
    strange = next((i for found in sets for i in found.items if oracle is None or not oracle.knows(i.prompt)), None)
    if strange is None:
        return "oracle"
    if wanted == "oracle":
        what = "the oracle cannot read this prompt" if oracle else "there is no oracle"
        raise UsageError(what, where=strange.prompt.source, fix="set harm.method to judge or none")
    return "judge" if config.judge is not None else "none"


def _claim(out: Path) -> None:
    """Take a folder that is new, empty, or of an earlier evaluation."""
    if out.exists() and not out.is_dir():
        raise UsageError("this is a file, not a folder", where=str(out), fix="choose another folder")
    if out.exists() and not (out / LEDGER).exists() and any(out.iterdir()):
        fix = "choose a new or empty folder"
        raise UsageError("the folder is not empty and holds no evaluation", where=str(out), fix=fix)
    make_folder(out / "logs")


def _rows(sets: Sequence[PromptSet], answers: Answers, oracle: Oracle | None) -> list[Row]:
    rows = []
    for item in (item for found in sets for item in found.items):
        given = answers.by_prompt.get(item.prompt.id)
        if given is None:
            continue
        row = Row(item, given, detect_refusal(item.prompt.messages[-1].content, given.text))
        rows.append(row if oracle is None else _ruled(row, oracle))
    return rows


def _ruled(row: Row, oracle: Oracle) -> Row:
    verdict = oracle.verdict(row.item.prompt, row.answer.text)
    return Row(row.item, row.answer, row.refusal, float(verdict.harmful), verdict.harmful, verdict)


def _result(
    config: EvaluationConfig, sets: Sequence[PromptSet], method: HarmMethod, models: Sequence[Examined]
) -> dict[str, Any]:
    figures = {examined.answers.name: model_figures(examined.rows) for examined in models}
    base = figures[config.base]
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": config.base,
        "harm_method": method,
        "seed": config.seed,
        "sampling": config.sampling.model_dump(mode="json"),
        "sets": [{"name": found.name, "path": str(found.path), "prompts": len(found.items)} for found in sets],
        "unmarked_sets": list(unmarked(sets, config)),
        "models": [
            {
                "model": name,
                "path": _path(config.models[name].engine),
                "adapter": config.models[name].adapter,
                "fingerprint": examined.answers.identity,
                "failed": examined.answers.failures.total(),
                "failed_reasons": dict(examined.answers.failures),
                **figures[name],
                "collapse_against_baseline": against(figures[name], base),
            }
            for examined in models
            for name in [examined.answers.name]
        ],
        "preferences": [],
        "ratings": [],
        "versions": versions(),
    }


def _path(engine: EngineConfig) -> str:
    return f"{engine.model} at {', '.join(engine.base_urls)}" if isinstance(engine, OpenAIConfig) else engine.model


def _write(out: Path, result: dict[str, Any], models: Sequence[Examined]) -> None:
    written = {out / f"responses-{examined.answers.name}.jsonl": examined.rows for examined in models}
    for path, rows in written.items():
        write_text(path, "".join(json.dumps(_response(row), ensure_ascii=False) + "\n" for row in rows))
    for old in set(out.glob("responses-*.jsonl")) - set(written):
        # Of a model that is no longer among those evaluated; its answers stay in the ledger.
        old.unlink()
    write_text(out / RESULT, _pretty(result))


def _response(row: Row) -> dict[str, Any]:
    item: Item = row.item
    return {
        "prompt_id": item.prompt.id,
        "prompt": [message.to_dict() for message in item.prompt.messages],
        "response": row.answer.text,
        "finish_reason": row.answer.finish_reason,
        "set": item.set,
        "hazard": item.prompt.hazard,
        "tags": list(item.prompt.tags),
        "harmful_prompt": item.harmful,
        "refusal": row.refusal,
        "harm": row.harm,
        "reward": row.reward,
    }


def _pretty(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
