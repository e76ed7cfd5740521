"""`cai constitution stats`: what each principle did in a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption

if TYPE_CHECKING:
    from rich.table import Table

    from cai.report.principles import PrincipleFigures, RunPrinciples

LISTED = 100
_COLUMNS = ("rounds", "found", "changed", "edit", "again", "flaws", "won", "votes", "p", "flips")
_MEANINGS = {
    "rounds": "how often it was drawn to criticise",
    "found": "violations by the verdicts, of the rounds that had one",
    "changed": "rounds that left another answer",
    "edit": "share of words that differ, where the answer changed",
    "again": "further draws of revisions",
    "flaws": "revisions that stayed flawed",
    "won": "comparisons that the last revision won against the draft, in records that drew the principle",
    "votes": "judgements by the principle",
    "p": "mean probability, in these, that the revision is better than the draft",
    "flips": "share of verdicts by the principle that changed with the order of the answers",
}
_HINTS = {
    "never fires": "never finds fault, or never changes an answer",
    "always fires": "finds fault, or changes the answer, every time",
    "often flawed": "revisions often stay flawed",
    "order decides": "the order of the answers decides the verdict",
    "prefers the draft": "as a judge prefers the draft to its revision",
    "never drawn": "was never drawn",
    "too few": "too few rounds and votes to say more",
}


def stats(
    run: Annotated[Path, typer.Argument(help="Run directory.", show_default=False)], as_json: JsonOption = False
) -> None:
    """Show what each principle did in a run: draws, violations, changes, verdicts; those that fire most first.

    A run that is under way is counted as far as it has come.
    """
    from cai.report.principles import read_principles

    found = read_principles(run)
    if as_json:
        show_json(stats_row(run, found))
    else:
        _show(run, found)


def stats_row(run: Path, found: "RunPrinciples") -> dict[str, Any]:
    """What --json prints."""
    same = found.constitution
    return {
        "run_dir": str(run),
        "constitution": found.path,
        "constitution_unchanged": same is not None,
        "records": found.records,
        "principles": [{"id": name, **one.to_row()} for name, one in found.principles.items()],
    }


def _show(run: Path, found: "RunPrinciples") -> None:
    from cai.cli.console import out, safe

    console = out()
    console.print(safe(f"{run}: {found.records} finished records"), soft_wrap=True)
    if found.constitution is None:
        file = found.path or "the constitution"
        note = f"{file} has gone or changed since, so principles that were never drawn are not listed"
        console.print(safe(note), soft_wrap=True)
    if not found.principles:
        console.print("no principle was drawn")
        return
    shown = dict(list(found.principles.items())[:LISTED])
    cells = {name: _cells(one) for name, one in shown.items()}
    # A column in which no principle has anything only takes room.
    used = [index for index in range(len(_COLUMNS)) if any(row[index] for row in cells.values())]
    console.print()
    console.print(_table(cells, used))
    if len(found.principles) > LISTED:
        console.print(f"and {len(found.principles) - LISTED} more; --json has them all")
    console.print()
    for hint, words in _HINTS.items():
        named = ", ".join(name for name, one in shown.items() if hint in one.hints)
        if named:
            console.print(safe(f"{words}: ", "bold").append_text(safe(named, "not bold")))
    for column in (_COLUMNS[index] for index in used):
        console.print(safe(f"{column}: {_MEANINGS[column]}", "dim"))


def _table(cells: dict[str, list[str]], used: list[int]) -> "Table":
    from rich.table import Table

    from cai.cli.console import safe

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("principle", overflow="fold")
    for index in used:
        table.add_column(_COLUMNS[index], justify="right", no_wrap=True)
    for name, row in cells.items():
        table.add_row(safe(name), *(row[index] for index in used))
    return table


def _cells(one: "PrincipleFigures") -> list[str]:
    row = one.to_row()
    return [
        str(one.rounds),
        f"{one.violations}/{one.verdicts}" if one.verdicts else "",
        _percent(one.changed / one.rounds if one.rounds else None),
        _percent(row["mean_edit"]),
        str(one.retries or ""),
        str(one.flaws.total() or ""),
        _percent(row["revision_win_rate"]),
        str(one.votes or ""),
        "" if row["mean_p_revision"] is None else f"{row['mean_p_revision']:.2f}",
        _percent(row["flip_rate"]),
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
