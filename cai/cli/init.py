"""`cai init`: a starter project, commented, that validates and runs."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cai.cli.output import show_json, show_line
from cai.cli.settings import JsonOption


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder or hub name of your model; without it: the embedded sandbox."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files of the same names.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Begin a project: a constitution, prompts and a pipeline, all commented, ready to run."""
    from cai.starter.project import write_starter

    files = write_starter(folder, model, force=force)
    if as_json:
        show_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    for path in files:
        show_line(str(path))
    show_line("next:")
    for command in _commands(folder):
        show_line(f"  {shlex.join(command)}")


def _commands(folder: Path) -> list[list[str]]:
    """They work from the folder in which `cai init` was called."""
    run = str(folder / "runs" / "first")
    return [
        ["cai", "constitution", "validate", str(folder / "constitution.yaml")],
        ["cai", "generate", "-p", str(folder / "pipeline.yaml"), "--out", run],
        ["cai", "constitution", "stats", run],
    ]
