"""`cai import-run`: trajectories made elsewhere, as a run directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cai.cli.generate import RESUME_MODES
from cai.cli.output import Interrupted, show_json
from cai.cli.settings import JsonOption, SetOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.data.imported.session import ImportSummary


def import_run(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines with prompt, draft and rounds.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run directory.", show_default=False)],
    constitution: Annotated[
        str | None,
        typer.Option("--constitution", "-c", help="Constitution of the principles; by default one is made of them."),
    ] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="never: want a new folder; if_possible: bring an import up to date; always: there must be one.",
        ),
    ] = "if_possible",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read trajectories made elsewhere into a run directory, check them, and write its datasets.

    A row has `prompt`, `draft` and `rounds`, a list of `principle`, `critique` and `revision`. Nothing is generated,
    and nothing is written if a row is wrong.
    """
    if resume not in RESUME_MODES:
        raise UsageError(f"there is no mode {resume!r}", where="--resume", fix=f"use {', '.join(RESUME_MODES)}")
    summary = _run(file, out, constitution, resume, tuple(overrides or ()))
    show_json(summary.to_dict()) if as_json else _show(summary)


def _run(file: Path, out: Path, constitution: str | None, resume: str, overrides: tuple[str, ...]) -> "ImportSummary":
    from typing import cast

    from cai.cli.progress import duration, rest, showing
    from cai.data.imported.progress import ImportProgress
    from cai.data.imported.run import import_run as read_in
    from cai.store.run_dir import ResumeMode

    progress = ImportProgress()

    def line() -> str:
        if not progress.done:
            return f"{progress.phase} ... {duration(progress.elapsed_s)}"
        of = "" if progress.total is None else f"/{progress.total:,}"
        rate = f", {progress.done / progress.elapsed_s:,.0f} rows/s" if progress.elapsed_s > 0 else ""
        return f"{progress.phase} {progress.done:,}{of}{rate}{rest(progress)}"

    try:
        with showing(line):
            return read_in(file, out, constitution, cast("ResumeMode", resume), overrides, progress)
    except KeyboardInterrupt:
        fix = "the same command goes on from there"
        raise Interrupted(f"stopped while {progress.phase}", where=str(out), fix=fix) from None


def _show(summary: "ImportSummary") -> None:
    from rich.table import Table

    from cai.cli.console import out, safe

    counts = summary.counts
    grid = Table.grid(padding=(0, 3))
    lines = [
        ("run", summary.run_dir),
        ("trajectories", f"{counts.trajectories:,} of {counts.prompts:,} rows, {summary.written:,} written now"),
        ("rounds", f"{summary.rounds:,}"),
        ("models", ", ".join(f"{name} ({count:,})" for name, count in summary.models.items())),
        ("constitution", summary.constitution),
        ("principles" if summary.constitution_made else "principles not in it", _listed(summary)),
        ("flawed critiques", _flaws(summary.critique_flaws)),
        ("flawed revisions", _flaws(summary.revision_flaws)),
        ("SFT rows", f"{counts.sft_rows:,}"),
        ("comparisons", f"{summary.compared:,} in {summary.comparisons}"),
    ]
    lines += [("filtered", f"{count:,} {reason}") for reason, count in counts.filtered_reasons.items()]
    lines += [("left out of SFT", f"{count:,} {reason}") for reason, count in counts.sft_left_out.items()]
    for key, value in lines:
        grid.add_row(key, safe(value))
    out().print(grid)


def _listed(summary: "ImportSummary") -> str:
    names = summary.unknown_principles
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"


def _flaws(flaws: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(flaws.items())) or "none"
