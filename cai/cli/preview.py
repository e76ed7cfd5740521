"""`cai preview`: the exact text of every prompt, and what came back, side by side."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cai.cli.output import show_json
from cai.cli.settings import (
    AllowCodeOption,
    BaseUrlOption,
    Choices,
    ConstitutionOption,
    EngineOption,
    JsonOption,
    ModelOption,
    PipelineOption,
    PromptsArgument,
    RoundsOption,
    SeedOption,
    SetOption,
    resolve,
)

if TYPE_CHECKING:
    from cai.pipeline.preview import Exchange


def preview(
    prompts: PromptsArgument = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Prompts to show.")] = 1,
    constitution: ConstitutionOption = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    base_url: BaseUrlOption = None,
    rounds: RoundsOption = None,
    seed: SeedOption = None,
    overrides: SetOption = None,
    allow_code: AllowCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a few prompts and show every prompt as the model sees it, and its answer. Nothing is written."""
    import asyncio
    import time

    from cai.cli.progress import duration, showing
    from cai.pipeline.preview import preview as run_preview

    choices = Choices(
        prompts,
        constitution,
        pipeline,
        model,
        engine,
        tuple(base_url or ()),
        rounds,
        None,
        seed,
        tuple(overrides or ()),
        allow_code,
    )
    config = resolve(choices)
    begun = time.monotonic()
    with showing(lambda: f"starting the engine and asking ... {duration(time.monotonic() - begun)}"):
        exchanges = asyncio.run(run_preview(config, count))
    if as_json:
        show_json({"exchanges": [asdict(e) for e in exchanges]})
    else:
        _show(exchanges)
    if any(exchange.stage == "failed" for exchange in exchanges):
        raise typer.Exit(3)


def _show(exchanges: "list[Exchange]") -> None:
    from rich.table import Table

    from cai.cli.console import out, safe

    console = out()
    record = ""
    table = Table()
    for exchange in exchanges:
        if exchange.record_id != record:
            if record:
                console.print(table)
            record = exchange.record_id
            table = Table(title=f"record {record}", title_justify="left", show_lines=True, expand=True)
            table.add_column("step", no_wrap=True)
            table.add_column("the prompt, exactly", ratio=3, overflow="fold")
            table.add_column("what came back", ratio=2, overflow="fold")
        step = exchange.stage + (f" {exchange.round}" if exchange.round else "")
        table.add_row(step, safe(exchange.prompt), safe(exchange.answer))
    console.print(table)
