"""`cai constitution`: check, show and describe constitution files.

Text of a file is shown as it stands: it cannot restyle the terminal. Nothing here reads a file itself.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli import constitution_diff, constitution_import, constitution_stats
from cai.cli.output import show_json, show_line

if TYPE_CHECKING:
    from rich.table import Table

    from cai.constitution.schema import Constitution

app = typer.Typer(help="Check, show and describe constitution files.", no_args_is_help=True, rich_markup_mode=None)
app.command("diff")(constitution_diff.diff)
app.command("stats")(constitution_stats.stats)
app.command("import")(constitution_import.import_)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Constitution files.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Check files, and count their principles by family of hazards.

    All problems of all files are reported, and the exit code is then 2.
    """
    from cai.constitution.load import load_constitution
    from cai.errors import ConstitutionError

    rows: list[dict[str, Any]] = []
    errors: list[ConstitutionError] = []
    for file in files:
        try:
            rows.append(_summary(str(file), load_constitution(file)))
        except ConstitutionError as error:
            errors.append(error)
            continue
        if not as_json:
            show_line(_line(rows[-1]))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ConstitutionError("\n".join(str(error) for error in errors))
    if as_json:
        show_json({"files": rows})


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A constitution file.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Show the principles of a file."""
    from cai.constitution.load import load_constitution

    constitution = load_constitution(file)
    if as_json:
        show_json({**constitution.model_dump(mode="json"), "fingerprint": constitution.fingerprint})
        return
    from cai.cli.console import out

    out().print(_table(constitution))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a constitution file, for editors that complete and check YAML."""
    from cai.constitution.json_schema import constitution_schema
    from cai.json_schema import schema_text

    typer.echo(schema_text(constitution_schema()), nl=False)


def _summary(file: str, constitution: "Constitution") -> dict[str, Any]:
    from cai.constitution.taxonomy import taxonomy

    hazards = taxonomy()
    families = Counter(
        family
        for principle in constitution.principles
        for family in {hazards.family_of(hazard).id for hazard in principle.hazards}
    )
    return {
        "file": file,
        "name": constitution.name,
        "version": constitution.version,
        "fingerprint": constitution.fingerprint,
        "principles": len(constitution.principles),
        "families": {family.id: families[family.id] for family in hazards.families},
    }


def _line(row: dict[str, Any]) -> str:
    from cai.constitution.taxonomy import taxonomy

    coverage = ", ".join(f"{family.name} {row['families'][family.id]}" for family in taxonomy().families)
    return f"{row['file']}: {row['name']} {row['version']}, {row['principles']} principles ({coverage})"


def _table(constitution: "Constitution") -> "Table":
    from rich.table import Table

    from cai.cli.console import safe

    title = safe(f"{constitution.name} {constitution.version}: {constitution.description}".rstrip(": "))
    table = Table(title=title, title_justify="left", show_lines=True)
    for name in ("Id", "Statement", "Hazards", "Weight"):
        table.add_column(name, overflow="fold", justify="right" if name == "Weight" else "left")
    for principle in constitution.principles:
        cells = (principle.id, principle.statement, ", ".join(principle.hazards), f"{principle.weight:g}")
        table.add_row(*(safe(cell) for cell in cells))
    return table
