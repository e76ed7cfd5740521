"""What a finished training shows people."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from cai.cli.console import safe
from cai.cli.progress import duration


def training_view(summary: dict[str, Any]) -> RenderableType:
    """The data and what came of them."""
    sources = Table(title="data", title_justify="left")
    for heading in ("source", "rows", "weight", "held out", "too long", "equal pairs"):
        sources.add_column(heading, justify="left" if heading == "source" else "right")
    for row in summary["data"]:
        counts = [f"{row['rows']:,}", f"{row['weight']:g}"]
        counts += [f"{row[name]:,}" for name in ("heldout", "too_long", "equal")]
        sources.add_row(safe(row["path"]), *counts)
    figures = Table(title=f"{summary['kind']} from {summary['base_model']}", title_justify="left", show_header=False)
    figures.add_row("steps", f"{summary['steps']:,}")
    figures.add_row("time", duration(summary["seconds"]))
    figures.add_row("tokens", f"{summary['tokens']:,}")
    if summary["train_loss"] is not None:
        figures.add_row("mean training loss", f"{summary['train_loss']:.4f}")
    for name, value in sorted((summary.get("heldout") or {}).items()):
        figures.add_row(f"held-out {name.replace('_', ' ')}", f"{value:.4f}")
    return Group(sources, figures)
