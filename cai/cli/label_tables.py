"""The table that ends `cai label`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from cai.cli.tables import plain_table, share


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "accuracy": ("right answers, of those that are known", share),
    "flip_rate": ("verdicts that flipped with the order", share),
    "label_mass": ("probability on the replies that were offered", share),
    "longer_preferred": ("longer answer preferred", share),
    "longer_right": ("  longer answer right", share),
    "labelers_agree": ("verdicts of two labelers that are the same", share),
    "kappa": ("  beyond chance (Cohen's kappa)", _number),
    "spread": ("spread of the labelers", _number),
}
_UNDERSTOOD = 0.5
"""Label mass below which people are told that it is low."""
_MOST_REASONS = 12


def figures_table(figures: Mapping[str, Any]) -> Table:
    """What a person wants to see of label.json."""
    table = plain_table(f"labels by {figures['method']}", "")
    table.add_row("labels", str(figures["labels"]))
    table.add_row("  of which ties", str(figures["ties"]))
    if figures["failed"]:
        table.add_row("rows without a label", str(figures["failed"]))
    for key, (title, shown) in _FIGURES.items():
        if figures[key] is not None:
            table.add_row(title, shown(figures[key]))
    return table


def figures_words(figures: Mapping[str, Any], out: Path) -> list[str]:
    """What a person should know beside the figures."""
    notes = [f"{count} without a label: {why}" for why, count in list(figures["failures"].items())[:_MOST_REASONS]]
    mass = figures["label_mass"]
    if mass is not None and mass < _UNDERSTOOD:
        what = f"the judge put {share(mass)} of its probability on the replies that it was offered"
        notes.append(f"{what}: it does not follow the form of the question, and its labels mean little")
    return [*notes, f"labels: {out / 'labels.jsonl'}", f"preferences: {out / 'preferences.jsonl'}"]
