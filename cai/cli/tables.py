"""The table that ends a run."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cai.cli.console import safe
from cai.cli.progress import duration

if TYPE_CHECKING:
    from cai.config.pipeline import RunConfig
    from cai.pipeline.summary import RunSummary


def summary_view(summary: "RunSummary", figures: dict[str, Any] | None) -> RenderableType:
    """Counts, figures by revision and hazard, and engine figures."""
    parts: list[RenderableType] = []
    if figures is not None:
        parts += [_sandbox_note(), _by_revision(figures["by_revision"]), Text()]
    return Group(*parts, _by_hazard(summary), Text(), _counts(summary, figures))


def next_lines(config: "RunConfig", summary: "RunSummary") -> list[str]:
    """Where the datasets are, and commands to go on with, each to be copied as it stands."""
    run = Path(summary.run_dir)
    shown = shlex.quote(str(run))
    # JSON's quotes are Python's too, and leave the single ones to the shell.
    load = f"import datasets; print(datasets.load_dataset({json.dumps(str(run / 'datasets' / 'preferences'))}))"
    lines = [
        "",
        f"SFT dataset     {run / 'datasets' / 'sft'}",
        f"preferences     {run / 'datasets' / 'preferences'}",
        "dataset cards   README.md in each of the two",
        "",
        "next:",
        f"  cai status {shown}",
        f"  cai inspect {shown}",
        f"  python -c {shlex.quote(load)}",
        f"  edit {config.constitution} and run the same command again: only what changed is made anew",
    ]
    if summary.counts.failed:
        lines.append("  run the same command again: the failed records are tried once more")
    return lines


def _sandbox_note() -> Text:
    return Text(
        "This was the sandbox: a small model of a synthetic world, not a useful assistant. "
        "Its oracle knows the truth about every answer:"
    )


def plain_table(*columns: str) -> Table:
    """A table without lines, its first column to the left and the others, numbers, to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    return table


def share(value: float | None) -> str:
    """A share in per cent."""
    return "-" if value is None else f"{value:.1%}"


def _by_revision(rows: list[dict[str, Any]]) -> Table:
    table = plain_table("answer", "harmful", "good refusals", "benign answered")
    for row in rows:
        name = "draft" if row["revision"] == 0 else f"revision {row['revision']}"
        table.add_row(
            name, share(row["harm_rate"]), share(row["good_refusal_rate"]), share(row["benign_answered_rate"])
        )
    return table


def _by_hazard(summary: "RunSummary") -> Table:
    table = plain_table("hazard", "records", "comparisons")
    for hazard, counts in summary.by_hazard.items():
        table.add_row(safe(hazard), str(counts.get("trajectories", 0)), str(counts.get("labels", 0)))
    return table


def _counts(summary: "RunSummary", figures: dict[str, Any] | None) -> Table:
    counts, labels, engine = summary.counts, summary.labels, summary.engine
    table = Table.grid(padding=(0, 3))
    prompts = f"{counts.prompts} in = {counts.trajectories} trajectories + {counts.filtered} filtered"
    table.add_row("prompts", f"{prompts} + {counts.failed} failed")
    _add_reasons(table, counts.filtered_reasons, "filtered")
    _add_reasons(table, counts.failed_reasons, "failed")
    steps = ", ".join(f"{count} {stage}" for stage, count in summary.steps.items())
    table.add_row("steps run", steps or "none")
    if summary.reused_steps:
        table.add_row("", f"{summary.reused_steps} more taken from the journal")
    table.add_row("SFT rows", str(counts.sft_rows))
    _add_reasons(table, counts.sft_left_out, "left out")
    table.add_row("preference rows", f"{counts.preference_rows}  (draft and last revision equal: {labels.unchanged})")
    _add_reasons(table, counts.preference_left_out, "left out")
    if counts.masked_rows:
        table.add_row("", f"{counts.masked_rows} rows of both with personal data masked")
    verdict = f"flip rate {share(labels.flip_rate)}, mean label mass {share(labels.mean_label_mass)}"
    if figures is not None:
        verdict += f", agreement with the oracle {share(figures['label_accuracy'])}"
    table.add_row("labels", verdict)
    if summary.steps:
        rate = f" ({engine.generated_tokens / engine.wall_s:,.0f} tokens/s)" if engine.wall_s else ""
        took = f"{engine.wall_s:.1f} s" if engine.wall_s < 60 else duration(engine.wall_s)
        spent = f"{engine.generated_tokens:,} generated in {took}{rate}"
        table.add_row("tokens", f"{spent}, {engine.prompt_tokens:,} of prompts")
        hits = engine.cached_tokens / engine.prompt_tokens if engine.prompt_tokens else None
        table.add_row("cache hits", share(hits))
    return table


def _add_reasons(table: Table, reasons: dict[str, int], verb: str) -> None:
    for reason, count in reasons.items():
        table.add_row("", safe(f"{count} {verb}: {reason}"))
