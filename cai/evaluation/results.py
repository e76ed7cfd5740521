"""What an evaluation leaves: evaluation.json, and the responses of each model as JSON lines."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.config.evaluation import EvaluationConfig, HarmMethod
from cai.config.roles import EngineConfig, OpenAIConfig
from cai.evaluation.answering import Answers
from cai.evaluation.figures import Row, against, model_figures
from cai.evaluation.preference import Match
from cai.evaluation.ratings import rating_figures
from cai.evaluation.suites import PromptSet, unmarked
from cai.evaluation.win_rate import preference_figures
from cai.records import SCHEMA_VERSION
from cai.store.atomic import write_text
from cai.store.run_dir import versions

RESULT = "evaluation.json"


@dataclass(frozen=True)
class Outcome:
    """A model, its answers and what was found out about them."""

    answers: Answers
    rows: Sequence[Row]


@dataclass(frozen=True)
class Judgement:
    """The judge; `mean_rating_mass` is the probability that it put on the five ratings, 1 for one that understands."""

    identity: str
    failures: Counter[str]
    mean_rating_mass: float | None


def result_of(
    config: EvaluationConfig,
    sets: Sequence[PromptSet],
    method: HarmMethod,
    outcomes: Sequence[Outcome],
    judged: tuple[Sequence[Match], Judgement | None],
) -> dict[str, Any]:
    """What evaluation.json holds; what is not known is None."""
    matches, judgement = judged
    figures = {outcome.answers.name: model_figures(outcome.rows) for outcome in outcomes}
    resamples = config.preferences.resamples
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": config.base,
        "harm_method": method,
        "harmful_from": config.harm.threshold if method == "judge" else None,
        "seed": config.seed,
        "sampling": config.sampling.model_dump(mode="json"),
        "sets": [{"name": found.name, "path": found.path, "prompts": len(found.items)} for found in sets],
        "unmarked_sets": list(unmarked(sets, config)),
        "judge": _judge(config, judgement),
        "models": [_model(config, outcome, figures) for outcome in outcomes],
        "preferences": preference_figures(matches, config.seed, resamples),
        "ratings": rating_figures(matches, config.seed, resamples),
        "ratings_harmful": rating_figures([m for m in matches if m.item.harmful], config.seed, resamples),
        "ratings_benign": rating_figures([m for m in matches if not m.item.harmful], config.seed, resamples),
        "versions": versions(),
    }


def _judge(config: EvaluationConfig, judgement: Judgement | None) -> dict[str, Any] | None:
    if config.judge is None or judgement is None:
        return None
    return {
        "path": _path(config.judge.engine),
        "adapter": config.judge.adapter,
        "fingerprint": judgement.identity,
        "failed": judgement.failures.total(),
        "failed_reasons": dict(judgement.failures),
        "mean_rating_mass": judgement.mean_rating_mass,
    }


def _model(config: EvaluationConfig, outcome: Outcome, figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    answers = outcome.answers
    own = figures[answers.name]
    return {
        "model": answers.name,
        "path": _path(config.models[answers.name].engine),
        "adapter": config.models[answers.name].adapter,
        "fingerprint": answers.identity,
        "failed": answers.failures.total(),
        "failed_reasons": dict(answers.failures),
        **own,
        "collapse_against_baseline": against(own, figures[config.base]),
    }


def _path(engine: EngineConfig) -> str:
    return f"{engine.model} at {', '.join(engine.base_urls)}" if isinstance(engine, OpenAIConfig) else engine.model


def write_results(out: Path, result: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Write everything, evaluation.json last.

    Raises:
        StorageError: A file cannot be written.
    """
    written = {out / f"responses-{outcome.answers.name}.jsonl": outcome.rows for outcome in outcomes}
    for path, rows in written.items():
        write_text(path, "".join(json.dumps(_response(row), ensure_ascii=False) + "\n" for row in rows))
    for old in set(out.glob("responses-*.jsonl")) - set(written):
        # Of a model that is no longer among those evaluated; its answers stay in the ledger.
        old.unlink()
    write_text(out / RESULT, json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _response(row: Row) -> dict[str, Any]:
    prompt = row.item.prompt
    return {
        "prompt_id": prompt.id,
        "prompt": [message.to_dict() for message in prompt.messages],
        "response": row.answer.text,
        "finish_reason": row.answer.finish_reason,
        "set": row.item.set,
        "hazard": prompt.hazard,
        "tags": list(prompt.tags),
        "harmful_prompt": row.item.harmful,
        "refusal": row.refusal,
        "harm": row.harm,
        "reward": row.reward,
    }
