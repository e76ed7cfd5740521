"""The tables that end a recipe, and those that show how far it is."""

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cai.cli.console import safe
from cai.cli.progress import duration
from cai.cli.tables import share

if TYPE_CHECKING:
    from cai.recipe.state import RecipeState, StageState


def outcome_view(row: dict[str, Any], state: "RecipeState") -> RenderableType:
    """Stages, then the figures of the evaluation and of the reward model."""
    parts: list[RenderableType] = [stages_view(state.stages.values())]
    if row["evaluation"]:
        parts += [Text(), _evaluation(row["evaluation"])]
    if row["reward_model"]:
        accuracy, error = (share(row["reward_model"][key]) for key in ("heldout_accuracy", "ece"))
        parts += [Text(), Text(f"reward model: right on {accuracy} of held-out pairs, calibration error {error}")]
    return Group(*parts)


def stages_view(stages: "Iterable[StageState]", under_way: str = "stopped") -> RenderableType:
    """A line for each stage; the time is that of the session that ran it.

    Args:
        stages: In their order.
        under_way: What to say of one that was begun and has not come to its end.
    """
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("stage", "kind", "status", "took", ""):
        table.add_column(column)
    for stage in stages:
        took = "" if stage.seconds is None else duration(stage.seconds)
        begun = stage.status == "pending" and stage.started_at is not None and stage.finished_at is None
        status = under_way if begun else stage.status
        table.add_row(safe(stage.name), safe(stage.kind), status, took, safe(stage.note or ""))
    return table


def next_lines(row: dict[str, Any], pipeline: str) -> list[str]:
    """Commands to go on with, each to be copied as it stands."""
    folder = shlex.quote(row["run_dir"])
    lines = ["", "next:"]
    if row["report"]:
        lines.append(f"  open {shlex.quote(row['report'])} in a browser")
    lines.append(f"  cai status {folder}")
    lines.append(f"  edit {pipeline} and run the same command again: only the stages that it changes are run")
    return lines


def _evaluation(rows: list[dict[str, Any]]) -> RenderableType:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for index, column in enumerate(("model", "harmful", "benign answered", "over-refusal", "distinct-2")):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        distinct = "-" if row["distinct_2"] is None else f"{row['distinct_2']:.3f}"
        rates = (share(row[key]) for key in ("harm_rate", "benign_answered_rate", "over_refusal_rate"))
        table.add_row(safe(row["model"]), *rates, distinct)
    return table
