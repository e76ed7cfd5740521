"""`cai generate`: from a constitution and prompts to SFT and preference datasets."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import Interrupted, show_json
from cai.cli.settings import (
    SANDBOX,
    AllowCodeOption,
    BaseUrlOption,
    Choices,
    ConstitutionOption,
    EngineOption,
    JsonOption,
    LimitOption,
    ModelOption,
    PipelineOption,
    PromptsArgument,
    RoundsOption,
    SeedOption,
    SetOption,
    resolve,
)
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.pipeline import RunConfig
    from cai.pipeline.owed import Owed
    from cai.pipeline.summary import RunSummary
    from cai.store.run_dir import RunDir

RESUME_MODES = ("never", "if_possible", "always")


def generate(
    prompts: PromptsArgument = None,
    constitution: ConstitutionOption = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    base_url: BaseUrlOption = None,
    rounds: RoundsOption = None,
    limit: LimitOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run directory; by default runs/PIPELINE.")] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="never: want a new folder; if_possible: go on with a run; always: there must be one.",
        ),
    ] = "if_possible",
    overrides: SetOption = None,
    allow_code: AllowCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Draft, criticise, revise and judge; write the SFT and the preference dataset.

    Without prompts and without a model it runs the embedded sandbox. A run that was stopped goes on where it was when
    the same command is given again.
    """
    if resume not in RESUME_MODES:
        raise UsageError(f"there is no mode {resume!r}", where="--resume", fix=f"use {', '.join(RESUME_MODES)}")
    choices = Choices(
        prompts,
        constitution,
        pipeline,
        model,
        engine,
        tuple(base_url or ()),
        rounds,
        limit,
        seed,
        tuple(overrides or ()),
        allow_code,
    )
    config = resolve(choices)
    path = out or Path("runs") / config.pipeline.name
    summary = _run(config, path, resume)
    _show(config, summary, _oracle_figures(config, path), as_json=as_json)
    if summary.counts.failed:
        raise typer.Exit(3)


def _run(config: "RunConfig", path: Path, resume: str) -> "RunSummary":
    import asyncio
    from typing import cast

    from cai.cli.progress import watching
    from cai.pipeline.run import generate as run_session
    from cai.pipeline.stats import RunStats
    from cai.store.run_dir import ResumeMode, RunDir

    new = not path.exists()
    run = RunDir.open(path, cast("ResumeMode", resume))
    stats = RunStats()
    try:
        with watching(stats) as say:
            return asyncio.run(run_session(config, run, stats, lambda owed: say(_owed(owed))))
    except KeyboardInterrupt:
        fix = "every finished step is kept; the same command goes on from there"
        done = "before the first record" if stats.total is None else f"with {stats.done} of {stats.total} records done"
        raise Interrupted(f"stopped {done}", where=str(path), fix=fix) from None
    finally:
        if new:
            _tidy(run)


def _owed(owed: "Owed") -> str:
    """What a resumed run has to do, in one line."""
    parts = {
        "new": owed.new,
        "not finished": owed.unfinished,
        "of which something they used has changed": owed.changed,
    }
    named = ", ".join(f"{count} {words}" for words, count in parts.items() if count)
    return f"resuming: {owed.total} records are owed{f' ({named})' if named else ''}; {owed.done} stand as they are"


def _tidy(run: "RunDir") -> None:
    """Leave no empty folders of a run that ended before it began, as for a mistyped name of a file."""
    with contextlib.suppress(OSError):
        run.logs.rmdir()
        run.path.rmdir()


def _oracle_figures(config: "RunConfig", path: Path) -> dict[str, Any] | None:
    """The oracle's figures, for a run whose model is the sandbox's."""
    generator = config.pipeline.engines[config.pipeline.roles.generator.engine]
    if generator.model != SANDBOX:
        return None
    from cai.cli.oracle import oracle_figures

    return oracle_figures(config, path)


def _show(config: "RunConfig", summary: "RunSummary", figures: dict[str, Any] | None, *, as_json: bool) -> None:
    if as_json:
        show_json(summary_row(summary, figures))
        return
    from cai.cli.console import out, safe
    from cai.cli.tables import next_lines, summary_view

    console = out()
    console.print(summary_view(summary, figures))
    for text in next_lines(config, summary):
        # Not wrapped at the width of the terminal, so that a command can be copied.
        console.print(safe(text), soft_wrap=True)


def summary_row(summary: "RunSummary", figures: dict[str, Any] | None) -> dict[str, Any]:
    """What --json prints; `by_revision` is empty where no oracle knows the truth."""
    row = {**summary.to_dict(), "by_revision": []}
    if figures is not None:
        row["by_revision"] = figures["by_revision"]
        row["labels"]["accuracy"] = figures["label_accuracy"]
        row["oracle"] = figures
    return row
