"""Tables of `cai redteam`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cai.cli.console import safe
from cai.cli.settings import SANDBOX
from cai.cli.tables import plain_table, share

if TYPE_CHECKING:
    from rich.console import RenderableType


def redteam_view(report: dict[str, Any]) -> "RenderableType":
    """What was made, by hazard and by method, what was rejected, and how new it is."""
    from rich.console import Group

    parts: list[RenderableType] = [_rows("hazard", report["hazards"], wanted=True), Text()]
    parts += [_rows("method", report["methods"], wanted=False), Text()]
    grid = Table.grid(padding=(0, 3))
    kept = (
        f"{report['kept']} of {report['wanted']} wanted, from {report['tries']} tries ({share(report['kept_share'])})"
    )
    grid.add_row("prompts", kept)
    for reason, count in report["rejected"].items():
        grid.add_row("", safe(f"{count} rejected: {reason}"))
    novelty = report["novelty"]
    likeness = f"mean {_figure(novelty['nearest_seed_mean'])}, largest {_figure(novelty['nearest_seed_max'])}"
    grid.add_row("nearest seed", f"{likeness} (0 nothing in common, 1 a copy)")
    grams = ", ".join(f"{size}: {_figure(novelty[f'distinct_{size}'])}" for size in (1, 2, 3))
    grid.add_row("distinct n-grams", grams)
    return Group(*parts, grid)


def notes(report: dict[str, Any]) -> Iterator[str]:
    """What a user should know who looks at the file only."""
    for hazard in report["hazards"]:
        short = f"{hazard['kept']} of {hazard['wanted']} prompts for {hazard['hazard']}"
        if hazard["stopped"] == "novelty":
            yield f"{short}: nothing new came any more; add seeds, methods or wordings, or raise near"
        elif hazard["stopped"] == "tries":
            yield f"{short}: all {hazard['tries']} tries are used up; raise tries, or add seeds"
    if report["model"] == SANDBOX and any(row["method"] in ("few_shot", "language") for row in report["methods"]):
        yield (
            "the sandbox's model cannot write requests or translate: what it wrote is no text to train on; the methods "
            "that are templates work with it"
        )
    seeds = report["seeds"]
    if seeds["several_turns"] or seeds["no_hazard"]:
        yield (
            f"of {seeds['read']} seeds, {seeds['several_turns']} have several turns and {seeds['no_hazard']} name no "
            "hazard: copies of them are dropped, but nothing is made from them"
        )


def _rows(name: str, rows: list[dict[str, Any]], *, wanted: bool) -> Table:
    table = plain_table(name, *(["wanted"] if wanted else []), "kept", "tries")
    for row in rows:
        counts = [str(row["kept"]), str(row["tries"])]
        table.add_row(safe(row[name]), *([str(row["wanted"])] if wanted else []), *counts)
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
