"""`cai report`: one page that shows what a run, a recipe, a training or an evaluation did."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cai.cli.output import show_json, show_line
from cai.cli.settings import JsonOption
from cai.errors import CaiError, UsageError

if TYPE_CHECKING:
    from cai.report.oracle import OracleFigures

PAGE = "report.html"
_NEEDED = ("altair", "vl_convert")


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="What generate, run, train or eval was given as --out.", show_default=False),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help=f"The page; by default DIR/{PAGE}.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page with figures, tables and chosen records.

    It opens from the disk in any browser, loads nothing and runs no script.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        what = f"the drawing library is not installed ({', '.join(missing)})"
        raise UsageError(what, where="cai report", fix="install the extra: pip install 'constitutional-ai[report]'")
    from cai.report.page import write_report

    written = write_report(folder, out or folder / PAGE, _oracle)
    if as_json:
        show_json(written.to_dict())
        return
    show_line(f"{written.path}: {len(written.figures)} figures")
    for left in written.left_out:
        show_line(f"  left out: {left.section} ({left.reason})")


def _oracle(path: Path) -> "OracleFigures | None":
    """The sandbox's oracle, where it can be asked; a report does without it otherwise."""
    from cai.cli.oracle import report_figures

    try:
        return report_figures(path)
    except CaiError as error:
        from cai.cli.console import err, safe

        err().print(safe(f"note: the oracle was not asked about {path}: {error}"), soft_wrap=True)
        return None
