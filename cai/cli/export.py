"""`cai export`: a run's datasets in the files and settings of a trainer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.data.formats.base import FormatName, What
    from cai.data.formats.export import Exported

RunArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="Run directory, stage of a recipe, folder of Parquet or JSON lines.", show_default=False
    ),
]
WhatOption = Annotated[
    str | None,
    typer.Option("--what", help="By commas: sft, preferences, reward, kto, rl; by default the first two."),
]


def export(
    run: RunArgument,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="trl, axolotl, llamafactory, openrlhf, verl or nemo-rl.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.", show_default=False)],
    what: WhatOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export in this folder.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run's datasets for a trainer, with settings for it and a README.

    Rows that the trainer's format cannot hold are left out and counted, each with its reason.
    """
    from cai.data.formats.export import export_rows
    from cai.data.formats.source import find_rows

    name = checked_format(format_)
    kinds = checked_kinds(what)
    done = export_rows(find_rows(run), name, kinds, out, force=force)
    if as_json:
        show_json({"path": str(done.path), **done.to_dict()})
        return
    _show(done)


def checked_format(name: str) -> "FormatName":
    """The name of a format.

    Raises:
        UsageError: There is none of this name.
    """
    from cai.data.formats.build import FORMATS
    from cai.yaml_model import nearest

    for known in FORMATS:
        if known == name:
            return known
    near = nearest(name, FORMATS)
    fix = f"did you mean {near}?" if near else f"use one of {', '.join(FORMATS)}"
    raise UsageError(f"there is no format {name!r}", where="--format", fix=fix)


def checked_kinds(text: str | None) -> "tuple[What, ...] | None":
    """The kinds of data in a list with commas; None if nothing was said.

    Raises:
        UsageError: There is no such kind.
    """
    from cai.data.formats.base import What

    if text is None:
        return None
    known: tuple[What, ...] = get_args(What)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no kind of data {name!r}", where="--what", fix=f"use {', '.join(known)}")
    if not names:
        raise UsageError("no kind of data is named", where="--what", fix=f"use {', '.join(known)}")
    return tuple(kind for kind in known if kind in names)


def _show(done: "Exported") -> None:
    from cai.cli.console import out, safe
    from cai.cli.tables import plain_table

    console = out()
    table = plain_table(f"for {done.format}", "train", "eval", "left out")
    for what, counts in done.tables.items():
        left = sum(reasons.total() for reasons in counts.left_out.values())
        table.add_row(what, f"{counts.rows['train']:,}", f"{counts.rows['eval']:,}", f"{left:,}")
    console.print(table)
    for what, counts in done.tables.items():
        for split, reasons in counts.left_out.items():
            for reason, count in reasons.items():
                console.print(safe(f"  {what}, {split}: {count:,} left out ({reason})"), soft_wrap=True)
    console.print(safe(f"settings: {', '.join(done.settings)}"), soft_wrap=True)
    console.print(safe(f"written to {done.path}; its README.md says how to use it"), soft_wrap=True)
