"""From the options of `cai eval` to the settings of an evaluation."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cai.cli.settings import SANDBOX
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.evaluation import EvaluationConfig


@dataclass(frozen=True)
class EvaluationChoices:
    """What the user chose on the command line; None or nothing where nothing was said.

    Models, adapters, addresses and prompts are texts `NAME=VALUE`; of models and prompts the name may be left out.
    """

    config: Path | None = None
    models: Sequence[str] = ()
    adapters: Sequence[str] = ()
    base_urls: Sequence[str] = ()
    prompts: Sequence[str] = ()
    judge: str | None = None
    judge_url: str | None = None
    constitution: Path | None = None
    question: str | None = None
    reward_model: str | None = None
    baseline: str | None = None
    limit: int | None = None
    seed: int | None = None
    overrides: Sequence[str] = ()


def resolve_evaluation(choices: EvaluationChoices) -> "EvaluationConfig":
    """Everything spelled out: defaults, then the file, then the command line.

    Raises:
        UsageError: Something is missing or does not fit together.
    """
    from cai.config.evaluation import EvaluationConfig
    from cai.config.resolve import load_config

    if choices.judge is None and (choices.constitution or choices.question) and choices.config is None:
        fix = "name the model that compares answers with --judge"
        raise UsageError(
            "there is nobody to ask", where="--constitution" if choices.constitution else "--question", fix=fix
        )
    named = {
        "preferences.constitution": choices.constitution and str(choices.constitution),
        "preferences.question": choices.question,
        "reward_model": choices.reward_model,
        "baseline": choices.baseline,
        "limit": choices.limit,
        "seed": choices.seed,
    }
    overrides = [
        *_models(choices),
        *_sets(choices),
        *_judge(choices),
        *(_override(key, value) for key, value in named.items() if value is not None),
        *choices.overrides,
    ]
    return load_config(choices.config, EvaluationConfig, overrides)


def _models(choices: EvaluationChoices) -> list[str]:
    models = _named(choices.models, "--model")
    if not models and choices.config is None:
        models = {"base": SANDBOX}
    urls: dict[str, list[str]] = {}
    for name, url in _pairs(choices.base_urls, "--base-url"):
        if name not in models:
            raise _no_model(name, "--base-url", models)
        urls.setdefault(name, []).append(url)
    lines = [_override(f"models.{name}", {"engine": _engine(path, urls.get(name))}) for name, path in models.items()]
    for name, folder in _pairs(choices.adapters, "--adapter"):
        if name not in models and choices.config is None:
            raise _no_model(name, "--adapter", models)
        lines.append(_override(f"models.{name}.adapter", folder))
    return lines


def _sets(choices: EvaluationChoices) -> list[str]:
    prompts = _named(choices.prompts, "--prompts")
    if not prompts and choices.config is None:
        models = _named(choices.models, "--model")
        if models and SANDBOX not in models.values():
            fix = f"give a file: cai eval --prompts FILE ...; --prompts {SANDBOX} are the sandbox's"
            raise UsageError("no prompts are named", fix=fix)
        prompts = {"sandbox": SANDBOX}
    return [_override(f"prompts.{name}", {"path": path}) for name, path in prompts.items()]


def _judge(choices: EvaluationChoices) -> list[str]:
    if choices.judge is None:
        if choices.judge_url is not None:
            raise UsageError("the address is of no judge", where="--judge-url", fix="name the model with --judge")
        return []
    return [_override("judge", {"engine": _engine(choices.judge, choices.judge_url and [choices.judge_url])})]


def _engine(model: str, urls: Any) -> dict[str, Any]:
    return {"kind": "openai", "model": model, "base_urls": urls} if urls else {"kind": "vllm", "model": model}


def _named(texts: Sequence[str], option: str) -> dict[str, str]:
    """Values by name; without a name, the last part of the value is the name."""
    from cai.config.evaluation import NAME

    found: dict[str, str] = {}
    for text in texts:
        name, value = _split(text)
        if not value:
            name, value = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(text).name.split(".")[0]).strip("-_"), text
        if not NAME.fullmatch(name):
            fix = "write NAME=..., of letters, digits, - and _"
            raise UsageError(f"{name!r} is not a name for {text!r}", where=option, fix=fix)
        if name in found:
            raise UsageError(f"the name {name!r} is given twice", where=option, fix="write NAME=... before each")
        found[name] = value
    return found


def _pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    pairs = [_split(text) for text in texts]
    for text, (_, value) in zip(texts, pairs, strict=True):
        if not value:
            raise UsageError(f"{text!r} does not say of which model", where=option, fix="write NAME=VALUE")
    return pairs


def _split(text: str) -> tuple[str, str]:
    """Name and value; both empty if there is no name, as in a path or an address that has a `=` in it."""
    name, _, value = text.partition("=")
    return (name, value) if re.fullmatch(r"[\w.-]+", name) else ("", "")


def _no_model(name: str, option: str, models: dict[str, str]) -> UsageError:
    known = ", ".join(models) or "none by --model"
    return UsageError(f"there is no model {name!r}", where=option, fix=f"models are {known}")


def _override(key: str, value: Any) -> str:
    return f"{key}={json.dumps(value, ensure_ascii=False)}"
