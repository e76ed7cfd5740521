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
        figures.add_row(f"held-out {name.replace('_', ' ')}", "-" if value is None else f"{value:.4f}")
    for name, text in _reward_figures(summary.get("reward_model") or {}):
        figures.add_row(name, text)
    return Group(sources, figures)


def _reward_figures(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """What only a reward model has; a figure that is not known is left out."""
    rows = [
        ("accuracy on ties too", figures.get("heldout_accuracy_all")),
        ("calibration error", figures.get("ece")),
        ("the same before calibration", figures.get("ece_uncalibrated")),
        ("temperature", figures.get("temperature")),
    ]
    return [(name, f"{value:.4f}") for name, value in rows if value is not None]
