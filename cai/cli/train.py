"""`cai train`: SFT, a reward model, DPO or KTO on the datasets of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cai.cli.output import Interrupted, show_json
from cai.cli.settings import JsonOption, SeedOption
from cai.cli.training_settings import TrainingChoices, resolve_training
from cai.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cai.config.training import TrainConfig
    from cai.training.output import ResumeMode
    from cai.training.stats import TrainStats

RESUME_MODES = ("never", "if_possible", "always")


def train(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="sft, reward, dpo or kto.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the trained model.", show_default=False)],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model to start from: folder, hub name or cai-sandbox.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="PATH", help="Run, folder of Parquet, .parquet or .jsonl; repeatable."),
    ] = None,
    mix: Annotated[
        list[str] | None,
        typer.Option("--mix", metavar="PATH=WEIGHT", help="The same, each row WEIGHT times an epoch; repeatable."),
    ] = None,
    lora: Annotated[
        str | None, typer.Option("--lora", metavar="r=16,alpha=32", help="Train an adapter, not all weights.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the training (YAML).")] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Passes over the data.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Rows in a step, over all devices.")] = None,
    seed: SeedOption = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="MODE", help="never: want a new folder; if_possible: go on from a checkpoint; always: need one."
        ),
    ] = "if_possible",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override any setting, such as beta=0.2; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model on a run's datasets, or on any in the same columns.

    A training that was stopped goes on from its last checkpoint when the same command is given again. For several GPUs:
    accelerate launch -m cai.cli.main train ...
    """
    if resume not in RESUME_MODES:
        raise UsageError(f"there is no mode {resume!r}", where="--resume", fix=f"use {', '.join(RESUME_MODES)}")
    choices = TrainingChoices(
        kind,
        model,
        tuple(data or ()),
        tuple(mix or ()),
        config,
        lora,
        epochs,
        learning_rate,
        batch_size,
        seed,
        tuple(overrides or ()),
    )
    summary = _run(resolve_training(choices), out, cast("ResumeMode", resume))
    if summary is not None:
        _show(summary, as_json=as_json)


def _run(config: "TrainConfig", out: Path, resume: "ResumeMode") -> dict[str, Any] | None:
    """The summary; None in processes that only help the main one."""
    try:
        from cai.training.run import train as run_training
    except ModuleNotFoundError as error:
        fix = 'install the extra `train`: pip install "constitutional-ai[train]"'
        raise UsageError(f"training needs the package {error.name}, which is not installed", fix=fix) from error
    from cai.training.output import is_main_process
    from cai.training.stats import TrainStats

    stats = TrainStats()
    try:
        with _watching(stats, shown=is_main_process()):
            summary = run_training(config, out, resume, stats)
    except KeyboardInterrupt:
        fix = "the last checkpoint is kept; the same command goes on from there"
        raise Interrupted(f"stopped at step {stats.step}", where=str(out), fix=fix) from None
    return summary if is_main_process() else None


@contextmanager
def _watching(stats: "TrainStats", *, shown: bool) -> Iterator[None]:
    from cai.cli.progress import showing

    if not shown:
        yield
        return
    with showing(lambda: line(stats), lambda: view(stats)):
        yield


def line(stats: "TrainStats") -> str:
    """The counters in one line."""
    from cai.cli.progress import duration

    if stats.total_steps is None:
        return f"{stats.phase} ... {duration(stats.waiting_s)}"
    parts = [f"{stats.phase}: {stats.step}/{stats.total_steps} steps", *_figures(stats)]
    return ", ".join(parts)


def view(stats: "TrainStats") -> "RenderableType":
    """The counters as a bar with a line of figures beside it."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if stats.total_steps is None:
        return Text(line(stats))
    grid = Table.grid(padding=(0, 2))
    steps = f"{stats.step}/{stats.total_steps}"
    grid.add_row(stats.phase, ProgressBar(total=stats.total_steps, completed=stats.step, width=30), steps)
    grid.add_row("", Text("  ".join(_figures(stats))))
    return grid


def _figures(stats: "TrainStats") -> list[str]:
    from cai.cli.progress import duration

    figures = [] if stats.loss is None else [f"loss {stats.loss:.4f}"]
    figures += [] if stats.accuracy is None else [f"accuracy {stats.accuracy:.1%}"]
    figures += [] if not stats.tokens_per_s else [f"{stats.tokens_per_s:,.0f} tokens/s"]
    return figures + ([] if stats.left_s is None else [f"{duration(stats.left_s)} left"])


def _show(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(summary)
        return
    from cai.cli.console import out, safe
    from cai.cli.training_tables import training_view

    console = out()
    console.print(training_view(summary))
    console.print(safe(f"model: {summary['model']}"), soft_wrap=True)
