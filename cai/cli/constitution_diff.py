"""`cai constitution diff`: what changed between two constitutions, by principle, and what it makes owed again."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption

if TYPE_CHECKING:
    from rich.text import Text

    from cai.constitution.diff import ConstitutionDiff, PrincipleChange, TextChange
    from cai.constitution.schema import AppliesTo
    from cai.report.diff import Piece

_STYLES = {"added": "green", "removed": "red"}
_SIGNS = {"added": "+", "removed": "-"}
_REDONE = {
    "critique": "the critiques that used it and what follows them",
    "revision": "the revisions that used it and what follows them",
    "label": "the labels that used it",
    "rating": "where answers are rated, the labels that used it",
    "draws": "the records in which another principle is drawn now",
    "draws_by_hazard": "where the run draws by hazard, the records in which another principle is drawn now",
}


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The constitution before.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="The constitution after.", show_default=False)],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 if they differ.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two constitutions, by principle, and which steps of a run it makes owed again."""
    from cai.constitution.diff import diff_constitutions
    from cai.constitution.load import load_constitution

    found = diff_constitutions(load_constitution(before), load_constitution(after))
    if as_json:
        show_json({"before": str(before), "after": str(after), **diff_row(found)})
    else:
        from cai.cli.console import out

        console = out()
        for indent, text in _view(str(before), str(after), found):
            for line in text.wrap(console, max(20, console.width - indent)):
                line.rstrip()
                line.pad_left(indent)
                console.print(line)
    if exit_code and not found.is_empty:
        raise typer.Exit(1)


def diff_row(found: "ConstitutionDiff") -> dict[str, Any]:
    """What --json prints of a difference."""
    return {
        "differ": not found.is_empty,
        "name": list(found.names),
        "version": list(found.versions),
        "about": list(found.about),
        "principles": [_change_row(change) for change in found.changes],
        "unchanged": found.unchanged,
        "reordered": found.reordered,
        "version_number_needed": found.needed,
        "same_fingerprint": found.same_fingerprint,
        "warnings": list(found.warnings),
    }


def _change_row(change: "PrincipleChange") -> dict[str, Any]:
    return {
        "id": change.id,
        "changes": list(change.kinds),
        "redone": list(change.redone),
        "texts": [asdict(text) for text in change.texts],
        "weight": list(change.weight) if change.weight else None,
        "applies_to": [one.model_dump(mode="json") for one in change.applies_to] if change.applies_to else None,
        "marks": [asdict(mark) for mark in change.marks],
        "before": change.before.model_dump(mode="json") if change.before and change.after is None else None,
        "after": change.after.model_dump(mode="json") if change.after and change.before is None else None,
    }


def _view(before: str, after: str, found: "ConstitutionDiff") -> "Iterator[tuple[int, Text]]":
    from rich.text import Text

    from cai.cli.console import safe

    yield 0, safe(f"{before} -> {after}: {_pair(found.names)} {_pair(found.versions)}", "bold")
    if found.is_empty:
        yield 0, safe("nothing differs")
        return
    for change in found.changes:
        yield 0, Text()
        yield from _change(change)
    yield 0, Text()
    yield 0, safe(f"{found.unchanged} {'principle is' if found.unchanged == 1 else 'principles are'} the same in both")
    if found.reordered:
        yield 0, safe("their order differs, which matters to runs that take them in order or all at once")
    if found.about:
        yield 0, safe(f"beside the principles: {', '.join(found.about)}; no prompt shows these")
    if found.same_fingerprint and not found.reordered:
        yield 0, safe("no record is owed again")
    for warning in found.warnings:
        yield 0, Text("warning: ", "bold yellow").append_text(safe(warning, "not bold"))


def _change(change: "PrincipleChange") -> "Iterator[tuple[int, Text]]":
    from cai.cli.console import safe

    kind = change.kinds[0]
    head = safe(f"{_SIGNS.get(kind, '~')} {change.id}  ", f"bold {_STYLES.get(kind, 'yellow')}")
    yield 0, head.append_text(safe(", ".join(change.kinds), "not bold"))
    one = change.after or change.before
    if one is not None and kind in _SIGNS:
        yield 2, safe(one.statement)
    for text in change.texts:
        yield from _text(text)
    if change.weight:
        yield 2, safe(f"weight {change.weight[0]:g} -> {change.weight[1]:g}")
    if change.applies_to:
        before, after = map(_where, change.applies_to)
        yield 2, safe(f"applies to {before} -> {after}")
    for mark in change.marks:
        yield 2, safe(f"{mark.field}: {_came_and_went(mark.gone, mark.new)}")
    again = "; ".join(_REDONE[step] for step in change.redone)
    yield 2, safe(f"made again: {again or 'nothing'}", "dim")


def _text(change: "TextChange") -> "Iterator[tuple[int, Text]]":
    from cai.cli.console import safe
    from cai.report.diff import marked

    pieces = marked(change.before, change.after)
    yield 2, safe(change.field, "bold")
    yield 4, _pieces("- ", pieces.before)
    yield 4, _pieces("+ ", pieces.after)


def _pieces(sign: str, pieces: "Sequence[Piece]") -> "Text":
    """A text with what changed in it in signs as well as in colour, for pipes have none."""
    from cai.cli.console import safe

    shown = safe(sign)
    for piece in pieces:
        if piece.kind == "same":
            shown.append_text(safe(piece.text))
        elif piece.kind == "gone":
            shown.append_text(safe(f"[-{piece.text}-]", "red"))
        else:
            shown.append_text(safe(f"{{+{piece.text}+}}", "green"))
    return shown


def _pair(values: tuple[str, str]) -> str:
    return values[0] if values[0] == values[1] else f"{values[0]} -> {values[1]}"


def _where(where: "AppliesTo") -> str:
    named = {"hazards": where.hazards, "tags": where.tags, "stages": where.stages}
    return ", ".join(f"{name} {' '.join(values)}" for name, values in named.items() if values) or "everything"


def _came_and_went(gone: Sequence[str], new: Sequence[str]) -> str:
    return " ".join([*(f"-{name}" for name in gone), *(f"+{name}" for name in new)]) or "another order"
