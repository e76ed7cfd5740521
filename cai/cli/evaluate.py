"""`cai eval`: what changed between models, measured on sets of prompts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.evaluation_settings import EvaluationChoices, resolve_evaluation
from cai.cli.output import Interrupted, show_json, show_line
from cai.cli.settings import JsonOption, SeedOption

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
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL", help="Rates harm and compares answers; like --model.")
    ] = None,
    judge_url: Annotated[
        str | None, typer.Option("--judge-url", metavar="URL", help="Address of the judge's server.")
    ] = None,
    constitution: Annotated[
        Path | None, typer.Option("--constitution", "-c", help="Compare answers by its questions; needs a judge.")
    ] = None,
    question: Annotated[
        str | None, typer.Option("--question", help="Compare answers by this one question; needs a judge.")
    ] = None,
    reward_model: Annotated[
        str | None, typer.Option("--reward-model", metavar="DIR", help="Trained reward model, to score every answer.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="The model to measure against; else the first.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")] = Path("runs/evaluation"),
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Take at most this many prompts of each set.")
    ] = None,
    seed: SeedOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override any setting, such as sampling.temperature=0; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let models answer sets of prompts; measure harm, refusals, preferences and collapse.

    Without a model it measures the sandbox's on its own prompts. What was answered before is not asked again.
    """
    if context.invoked_subcommand is not None:
        return
    choices = EvaluationChoices(
        config,
        tuple(model or ()),
        tuple(adapter or ()),
        tuple(base_url or ()),
        tuple(prompts or ()),
        judge,
        judge_url,
        constitution,
        question,
        reward_model,
        baseline,
        limit,
        seed,
        tuple(overrides or ()),
    )
    result = _run(resolve_evaluation(choices), out)
    _show(result, out, as_json=as_json)
    if any(row["failed"] for row in [*result["models"], *([result["judge"]] if result["judge"] else [])]):
        raise typer.Exit(3)


@app.command()
def refusals(
    answers: Annotated[Path, typer.Argument(metavar="IN", help="JSON lines with prompt and response.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: the same rows with a column refusal.")],
    as_json: JsonOption = False,
) -> None:
    """Say of each answer in a file whether it refuses: none, partial or full."""
    from dataclasses import asdict

    from cai.evaluation.refusal_file import annotate_file

    counts = annotate_file(answers, out)
    if as_json:
        show_json({"path": str(out), **asdict(counts)})
    else:
        levels = f"{counts.full} refuse in full, {counts.partial} in part, {counts.none} not at all"
        show_line(f"{out}: {counts.rows} answers; {levels}")


def _run(config: "EvaluationConfig", out: Path) -> dict[str, Any]:
    import asyncio

    from cai.cli.oracle import SandboxOracle
    from cai.cli.progress import duration, showing, tokens_and_left
    from cai.evaluation.run import evaluate as run_evaluation
    from cai.evaluation.stats import EvaluationStats

    stats = EvaluationStats()

    def line() -> str:
        if not stats.total:
            return f"{stats.phase} ... {duration(stats.elapsed_s)}"
        return f"{stats.phase} {stats.done}/{stats.total}{tokens_and_left(stats, stats.usage)}"

    try:
        with showing(line):
            return asyncio.run(run_evaluation(config, out, SandboxOracle(), stats))
    except KeyboardInterrupt:
        fix = "every answer is kept; the same command goes on from there"
        raise Interrupted(f"stopped while {stats.phase}", where=str(out), fix=fix) from None


def _show(result: dict[str, Any], out: Path, *, as_json: bool) -> None:
    from cai.cli.console import err, safe
    from cai.cli.console import out as results
    from cai.cli.evaluation_tables import evaluation_view, notes

    if as_json:
        show_json(result)
    else:
        console = results()
        console.print(evaluation_view(result))
        console.print(safe(f"\nwritten to {out}: evaluation.json and responses-*.jsonl"), soft_wrap=True)
    for note in notes(result):
        err().print(safe(f"note: {note}"), soft_wrap=True)
