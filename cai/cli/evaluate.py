"""`cai eval`: what changed between models, measured on sets of prompts."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import Interrupted, show_json
from cai.cli.settings import SANDBOX, JsonOption, LimitOption, SeedOption, SetOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.evaluation import EvaluationConfig

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="[NAME=]MODEL", help="Folder, hub name or served name; may be repeated."),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option("--adapter", metavar="NAME=FOLDER", help="LoRA adapter of a model; may be repeated."),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option("--base-url", metavar="NAME=URL", help="Address of the server of a model; may be repeated."),
    ] = None,
    prompts: Annotated[
        list[str] | None,
        typer.Option("--prompts", "-p", metavar="[NAME=]FILE", help="A set of prompts; may be repeated."),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings of an evaluation (YAML).")] = None,
    baseline: Annotated[str | None, typer.Option("--baseline", help="The model to measure the others against.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")] = Path("runs/evaluation"),
    limit: LimitOption = None,
    seed: SeedOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let models answer sets of prompts, and measure harm, refusals and collapse.

    Without a model it measures the sandbox's. What was answered before is not asked again.
    """
    if context.invoked_subcommand is not None:
        return
    named = {"baseline": baseline, "limit": limit, "seed": seed}
    settings = _resolve(
        config,
        [
            *_models(model or (), adapter or (), base_url or (), config),
            *_sets(prompts or (), model or (), config),
            *(f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None),
            *(overrides or ()),
        ],
    )
    result = _run(settings, out)
    if as_json:
        show_json(result)
    if any(row["failed"] for row in result["models"]):
        raise typer.Exit(3)


def _resolve(config: Path | None, overrides: Sequence[str]) -> "EvaluationConfig":
    from cai.config.evaluation import EvaluationConfig
    from cai.config.resolve import load_config

    return load_config(config, EvaluationConfig, overrides)


def _run(config: "EvaluationConfig", out: Path) -> dict[str, Any]:
    import asyncio

    from cai.cli.oracle import SandboxOracle
    from cai.cli.progress import duration, showing
    from cai.evaluation.run import evaluate as run_evaluation
    from cai.evaluation.stats import EvaluationStats

    stats = EvaluationStats()

    def line() -> str:
        if not stats.total:
            return f"{stats.phase} ... {duration(stats.elapsed_s)}"
        rate = f", {stats.usage.generated_tokens / stats.elapsed_s:,.0f} tokens/s" if stats.elapsed_s > 0 else ""
        left = "" if stats.left_s is None else f", {duration(stats.left_s)} left"
        return f"{stats.phase} {stats.done}/{stats.total}{rate}{left}"

    try:
        with showing(line):
            return asyncio.run(run_evaluation(config, out, SandboxOracle(), stats))
    except KeyboardInterrupt:
        fix = "every answer is kept; the same command goes on from there"
        raise Interrupted(f"stopped while {stats.phase}", where=str(out), fix=fix) from None


def _models(models: Iterable[str], adapters: Iterable[str], urls: Iterable[str], config: Path | None) -> list[str]:
    """Overrides for `models`; without any and without a file, the sandbox."""
    found = dict(_pair(text) for text in models)
    if not found and config is None:
        found = {"base": SANDBOX}
    addresses: dict[str, list[str]] = {}
    for name, url in _known_pairs(urls, found, "--base-url"):
        addresses.setdefault(name, []).append(url)
    lines = []
    for name, path in found.items():
        server = {"kind": "openai", "model": path, "base_urls": addresses.get(name)}
        engine = server if name in addresses else {"kind": "vllm", "model": path}
        lines.append(f"models.{name}={_value({'engine': engine})}")
    lines += [f"models.{name}.adapter={_value(folder)}" for name, folder in _known_pairs(adapters, found, "--adapter")]
    return lines


def _sets(prompts: Sequence[str], models: Sequence[str], config: Path | None) -> list[str]:
    if not prompts and config is None:
        if any(_pair(text)[1] != SANDBOX for text in models):
            raise UsageError("no prompts are named", fix="give a file of prompts: cai eval --prompts FILE ...")
        prompts = [f"sandbox={SANDBOX}"]
    return [f"prompts.{name}={_value({'path': path})}" for name, path in map(_pair, prompts)]


def _known_pairs(texts: Iterable[str], models: Iterable[str], option: str) -> list[tuple[str, str]]:
    pairs = [_pair(text) for text in texts]
    known = list(models)
    for name, _ in pairs:
        if name not in known:
            raise UsageError(f"there is no model {name!r}", where=option, fix=f"name one of {', '.join(known)}")
    return pairs


def _pair(text: str) -> tuple[str, str]:
    """`NAME=VALUE`; without a name, the last part of the value is the name."""
    name, equals, value = text.partition("=")
    if equals and value and re.fullmatch(r"[\w-]+", name):
        return name, value
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(text).name.split(".")[0]).strip("-_"), text


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
