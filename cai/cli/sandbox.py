"""`cai sandbox`: prompts of the synthetic world, and the training of its model."""

from pathlib import Path
from typing import Annotated

import typer

from cai.cli.output import show_json, show_line
from cai.cli.settings import JsonOption
from cai.errors import UsageError

app = typer.Typer(
    help="The embedded sandbox: its prompts, and the training of its model.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MOST = 3000
"""More would be drawn ever more slowly: the world has only so many different requests."""


@app.command()
def prompts(
    out: Annotated[Path, typer.Argument(help="File to write (.jsonl).", show_default=False)],
    harmful: Annotated[int, typer.Option(min=0, max=MOST, help="Red-team prompts.")] = 300,
    benign: Annotated[int, typer.Option(min=0, max=MOST, help="Harmless prompts.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    training: Annotated[bool, typer.Option("--training", help="Combinations of training, not held-out ones.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write prompts of the sandbox world to a file."""
    import json

    from cai.sandbox.prompts import draw_prompts
    from cai.store.atomic import write_text

    if out.suffix != ".jsonl":
        raise UsageError("prompts are written as JSON lines", where=str(out), fix="name a file that ends in .jsonl")
    rows = list(draw_prompts(harmful, benign, seed, heldout=not training))
    write_text(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if as_json:
        show_json({"path": str(out), "prompts": len(rows)})
    else:
        show_line(f"{out}: {len(rows)} prompts")


@app.command()
def train(
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints and the model.", show_default=False)],
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the first cycle; by default as the shipped model.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; by default as the shipped model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train the sandbox model from nothing on the CPU: one to two hours on two cores. Goes on from a checkpoint."""
    import dataclasses

    from cai.cli.progress import showing
    from cai.sandbox.train import TrainSettings, train_model, weights_sha256

    settings = TrainSettings()
    if steps is not None:
        settings = dataclasses.replace(settings, steps=steps)
    if seed is not None:
        settings = dataclasses.replace(settings, seed=seed)
    now = "building the vocabulary"

    def note(step: int, loss: float, rate: float) -> None:
        nonlocal now
        now = f"training: {step}/{settings.total_steps} steps, loss {loss:.4f}, {rate:,.0f} tokens/s"

    with showing(lambda: now):
        folder = train_model(out, settings, note)
    checksum = weights_sha256(folder)
    if as_json:
        show_json({"model": str(folder), "sha256": checksum})
    else:
        show_line(f"{folder}: model.safetensors has sha256 {checksum}")
