"""`cai redteam`: new red-team prompts from seeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import Interrupted, show_json
from cai.cli.redteam_settings import RedteamChoices, resolve_redteam
from cai.cli.settings import (
    BaseUrlOption,
    Choices,
    EngineOption,
    JsonOption,
    ModelOption,
    PipelineOption,
    SeedOption,
)
from cai.errors import LimitReached

if TYPE_CHECKING:
    from cai.config.redteam import RedteamConfig


def redteam(
    seeds: Annotated[
        Path | None,
        typer.Argument(metavar="SEEDS", help="Prompts to begin with, as generate reads them.", show_default=False),
    ] = None,
    hazard: Annotated[
        list[str] | None,
        typer.Option("--hazard", metavar="ID", help="Make prompts of this hazard; may be repeated; else of all."),
    ] = None,
    n: Annotated[int | None, typer.Option("--n", "-n", min=1, help="New prompts wanted; 100 by default.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write (.jsonl).")] = Path("runs/redteam.jsonl"),
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="METHOD",
            help="few_shot, language (ask the model), prompt_injection, role_play, disguise or escalation (templates);"
            " may be repeated; else all.",
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Ask the model whether each is of its hazard.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Settings of red teaming (YAML).")] = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    base_url: BaseUrlOption = None,
    seed: SeedOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override any setting, such as seeds.columns.prompt=text; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make new prompts with which a model learns to decline, from ones that there are.

    By few-shot generation and by transformations; copies of seeds and of each other are dropped. What the model said
    is kept in OUT.work, and asked once. It ends with code 5 if nothing new came before there were enough.
    """
    shared = Choices(
        prompts=seeds,
        pipeline=pipeline,
        model=model,
        engine=engine,
        base_urls=tuple(base_url or ()),
        seed=seed,
        overrides=tuple(overrides or ()),
    )
    choices = RedteamChoices(shared, config, tuple(hazard or ()), n, tuple(method or ()), check)
    report = _run(resolve_redteam(choices), out)
    _show(report, as_json=as_json)
    if report["kept"] < report["wanted"]:
        raise typer.Exit(LimitReached.exit_code)


def _run(config: "RedteamConfig", out: Path) -> dict[str, Any]:
    import asyncio

    from cai.cli.progress import duration, showing, tokens_and_left
    from cai.safety.redteam.run import redteam as run_redteam
    from cai.safety.redteam.stats import RedteamStats

    stats = RedteamStats()

    def line() -> str:
        if not stats.wanted:
            return f"{stats.phase} ... {duration(stats.elapsed_s)}"
        done = f"{stats.kept}/{stats.wanted} prompts after {stats.tries} tries"
        return f"{stats.phase}: {done}{tokens_and_left(stats, stats.usage)}"

    try:
        with showing(line):
            return asyncio.run(run_redteam(config, out, stats))
    except KeyboardInterrupt:
        fix = "every reply of the model is kept; the same command goes on from there"
        raise Interrupted(f"stopped while {stats.phase}", where=str(out), fix=fix) from None


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    from cai.cli.console import err, safe
    from cai.cli.console import out as results
    from cai.cli.redteam_tables import notes, redteam_view

    if as_json:
        show_json(report)
    else:
        console = results()
        console.print(redteam_view(report))
        console.print(safe(f"\nwritten to {report['out']}; try: cai generate {report['out']}"), soft_wrap=True)
    for note in notes(report):
        err().print(safe(f"note: {note}"), soft_wrap=True)
