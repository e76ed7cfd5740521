"""What `cai feedback` shows to people. Texts of others are shown as they stand: they cannot restyle the terminal."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cai.cli.console import safe
from cai.cli.tables import plain_table, share

if TYPE_CHECKING:
    from cai.feedback.agreement import Agreement, Disagreement, Figure
    from cai.feedback.export import Exported
    from cai.feedback.import_summary import ImportSummary
    from cai.feedback.people import People

LISTED = 10


def import_view(run: Path, summary: "ImportSummary", rows: "Exported") -> RenderableType:
    """What became of the rows of a file, those that were not joined by name, and how to go on."""
    grid = Table.grid(padding=(0, 3))
    grid.add_row("format", summary.format)
    grid.add_row("judgements in the file", f"{summary.rows:,}")
    grid.add_row("joined by id", f"{summary.joined_by_id:,}")
    grid.add_row("joined by content", f"{summary.joined_by_content:,}")
    grid.add_row("comparisons of their own", f"{summary.own:,}")
    for reason, count in summary.unused.items():
        grid.add_row("not used", safe(f"{count:,}: {reason}"))
    for name, count in (("repeated in the file", summary.repeated), ("corrected", summary.corrected)):
        if count:
            grid.add_row(name, f"{count:,}")
    grid.add_row("now in the run", f"{summary.judgements:,} judgements of {summary.comparisons:,} comparisons")
    grid.add_row("rows to train on", f"{rows.train:,} train, {rows.eval:,} eval, {rows.ties:,} ties left out")
    parts: list[RenderableType] = [grid]
    if summary.unjoined:
        parts.append(Text("\nnot joined:"))
        for listed in summary.unjoined[:LISTED]:
            asked = "" if listed.prompt is None else f": {' '.join(listed.prompt.split())[:80]}"
            parts.append(safe(f"  row {listed.number}: {listed.reason}{asked}"))
        total = summary.own + sum(summary.unused.values())
        if total > LISTED:
            parts.append(Text(f"  and {total - LISTED:,} more (--json lists up to 1,000)"))
    shown = shlex.quote(str(run))
    mixed = shlex.quote(f"{run}/feedback=2")
    parts.append(
        safe(f"\nnext:\n  cai feedback agreement {shown}\n  cai train reward --data {shown} --mix {mixed} ...")
    )
    return Group(*parts)


def agreement_view(found: "Agreement") -> RenderableType:
    """The figures, people among themselves, and the disagreements."""
    head = (
        f"{found.judged:,} comparisons with {found.judgements:,} judgements: {found.overall.comparisons:,} decided by"
        f" both sides, {found.people_ties:,} undecided among people, {found.ai_ties:,} undecided by the AI,"
        f" {found.own:,} not in the run"
    )
    parts: list[RenderableType] = [Text(head), Text(), _figures(found)]
    if found.people.annotators or found.people.judged_by_several:
        parts += [Text(), _people(found.people)]
    if found.listed:
        parts.append(Text(f"\n{found.disagreements:,} disagreements, those first in which the AI was surest:"))
        parts += [_disagreement(item) for item in found.listed]
    return Group(*parts)


def export_view(found: "Exported") -> RenderableType:
    """What was written, and where."""
    rows = ", ".join(f"{count:,} {source}" for source, count in found.by_source.items()) or "none"
    lines = [f"rows: {found.train:,} train, {found.eval:,} eval ({rows})"]
    if found.ties:
        lines.append(f"left out: {found.ties:,} ties")
    if found.sft_split:
        lines.append(f"left out: {found.sft_split:,} of prompts in the SFT split")
    return safe("\n".join([*lines, f"folder: {found.folder}"]))


def review_view(row: dict[str, Any]) -> RenderableType:
    """How many comparisons were written, why, and where."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(row["by_reason"].items()))
    return safe("\n".join([f"{row['comparisons']} comparisons: {reasons}", *(f"file: {f}" for f in row["files"])]))


def _figures(found: "Agreement") -> Table:
    table = plain_table("AI against people", "pairs", "accuracy", "95% interval", "kappa", "95% interval")
    _row(table, "all", found.overall)
    named = (
        ("by hazard", found.by_hazard),
        ("by principle", found.by_principle),
        ("drawn for review as", found.by_reason),
        ("AI sure at", found.by_confidence),
    )
    for what, group in named:
        if len(group) > 1 or group is found.by_confidence:
            table.add_row(what)
            for name, figure in group.items():
                _row(table, f"  {name}", figure)
    return table


def _row(table: Table, name: str, figure: "Figure") -> None:
    accuracy, kappa = figure.accuracy_interval, figure.kappa_interval
    table.add_row(
        safe(name),
        f"{figure.comparisons:,}",
        share(figure.accuracy),
        f"{accuracy.low:.0%} to {accuracy.high:.0%}" if accuracy else "-",
        _number(figure.kappa),
        f"{kappa.low:.2f} to {kappa.high:.2f}" if kappa else "-",
    )


def _people(people: "People") -> RenderableType:
    line = f"people: {people.annotators:,} named, {people.judged_by_several:,} comparisons judged by several"
    if people.agreement is not None:
        line += f"; they agree in {share(people.agreement)}, Krippendorff's alpha {_number(people.krippendorff_alpha)}"
    if people.cohen_kappa is not None:
        line += f", Cohen's kappa {_number(people.cohen_kappa)}"
    if not people.persons:
        return Text(line)
    table = plain_table("person", "judgements", "agrees with the AI", "agrees with others")
    for person in people.persons[:LISTED]:
        table.add_row(
            safe(person.annotator), f"{person.judgements:,}", share(person.with_ai), share(person.with_others)
        )
    return Group(Text(line), table)


def _disagreement(item: "Disagreement") -> RenderableType:
    ai, people = ("A" if p > 0.5 else "B" for p in (item.ai_p_a, item.people_p_a))
    sure = max(item.ai_p_a, 1 - item.ai_p_a)
    lines = [
        f"\n{item.comparison_id} (record {item.prompt_id}): the AI prefers {ai} ({sure:.0%} sure), people {people}"
        f" ({item.votes} judgements)",
        *(f"  {name}: {' '.join(text.split())[:160]}" for name, text in _texts(item)),
    ]
    return safe("\n".join(lines))


def _texts(item: "Disagreement") -> list[tuple[str, str]]:
    texts = [("prompt", item.prompt), ("A", item.response_a), ("B", item.response_b)]
    return texts + [("note", note) for note in item.notes]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
