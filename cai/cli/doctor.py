"""`cai doctor`: what this machine has, what each engine needs, and what to do about each fault."""

from typing import TYPE_CHECKING

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption

if TYPE_CHECKING:
    from cai.cli.checkup import Finding


def doctor(as_json: JsonOption = False) -> None:
    """Check this machine: versions, CPU and GPU, SQLite, memory, engines. Exit code 4 if generation cannot run."""
    from dataclasses import asdict

    from cai.cli.checkup import checkup

    findings = checkup()
    if as_json:
        show_json({"findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if any(finding.state == "fault" for finding in findings):
        raise typer.Exit(4)


def _show(findings: "list[Finding]") -> None:
    from rich.table import Table
    from rich.text import Text

    from cai.cli.console import out, safe

    styles = {"good": "green", "warning": "yellow", "fault": "bold red"}
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        table.add_row(Text(finding.state, style=styles[finding.state]), finding.subject, safe(finding.found))
        if finding.fix:
            table.add_row("", "", safe(f"what to do: {finding.fix}", style="italic"))
    out().print(table)
