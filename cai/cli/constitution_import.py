"""`cai constitution import`: a constitution of another project as a file of ours, commented."""

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import show_json, show_line
from cai.cli.settings import JsonOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.constitution.importers.build import Imported


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to import.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The constitution to write.")] = Path("constitution.yaml"),
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="auto, anthropic, llm-swarm, traits or lists.")
    ] = "auto",
    name: Annotated[str | None, typer.Option("--name", help="Its name; by default from that of the file.")] = None,
    guess_hazards: Annotated[
        bool, typer.Option("--guess-hazards", help="Mark principles with hazards by words in their texts.")
    ] = False,
    prompts_out: Annotated[
        Path | None, typer.Option("--prompts-out", help="Write the questions of trait files as prompts.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a constitution from another project's format.

    The texts of the source stay word for word; those that it lacks are made on import and marked in the file. Several
    files make one constitution.
    """
    from cai.constitution.importers.build import import_constitution
    from cai.store.atomic import write_text

    imported = import_constitution(files, format_, name, guess_hazards=guess_hazards)
    questions = list(imported.questions())
    written = {out: imported.text}
    if prompts_out is not None:
        if not questions:
            fix = "leave --prompts-out away: only trait files have questions"
            raise UsageError("these files hold no questions", where=str(prompts_out), fix=fix)
        written[prompts_out] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in questions)
    for path in written:
        if path.exists() and not force:
            raise UsageError("there is a file of this name", where=str(path), fix="choose another, or give --force")
    for path, text in written.items():
        write_text(path, text)
    row = _row(imported, out, prompts_out, len(questions))
    show_json(row) if as_json else _show(row, imported)


def _row(imported: "Imported", out: Path, prompts_out: Path | None, questions: int) -> dict[str, Any]:
    from cai.constitution.importers.base import TEXTS

    taken = Counter(name for rule in imported.rules.values() for name in rule.taken)
    total = len(imported.rules)
    return {
        "file": str(out),
        "name": imported.constitution.name,
        "version": imported.constitution.version,
        "principles": total,
        "ids": list(imported.rules),
        "formats": dict(imported.formats),
        "taken": {name: taken[name] for name in TEXTS if taken[name]},
        "made": {name: total - taken[name] for name in TEXTS if total > taken[name]},
        "left_out": list(imported.dropped),
        "prompts": {"file": str(prompts_out), "count": questions} if prompts_out else None,
    }


def _show(row: dict[str, Any], imported: "Imported") -> None:
    sources = ", ".join(f"{name} ({kind})" for name, kind in imported.formats.items())
    show_line(f"{row['file']}: {row['name']} {row['version']}, {row['principles']} principles from {sources}")
    for words, counts in (("taken word for word", row["taken"]), ("made on import", row["made"])):
        if counts:
            show_line(f"  {words}: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    for what in row["left_out"]:
        show_line(f"  left out: {what}")
    if row["prompts"]:
        show_line(f"{row['prompts']['file']}: {row['prompts']['count']} prompts")
    show_line(f"next: cai constitution validate {shlex.quote(row['file'])}")
