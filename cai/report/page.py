"""The page: one HTML file that loads nothing, runs no script, and shows every text as text.

Templates escape by themselves. The only style is the one sheet in the page, which its content security policy names by
its hash; so text that looked like markup could not even restyle the page.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import cai
from cai.report.figures import Figure, LeftOut
from cai.report.gather import Material, gather
from cai.report.oracle import Oracle, no_oracle
from cai.report.ran import key_facts, reconciled
from cai.report.sections import Part, left_out, parts_of
from cai.report.svg import drawn
from cai.report.visible import visible
from cai.store.atomic import make_folder, write_text

_TEMPLATES = Path(__file__).parent / "templates"
_TITLES = {
    "run": "Constitutional AI data",
    "recipe": "From constitution to aligned model",
    "training": "Training",
    "evaluation": "Evaluation",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A page that was written."""

    path: Path
    figures: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "report": str(self.path),
            "figures": list(self.figures),
            "sections_left_out": [found.to_dict() for found in self.left_out],
        }


def write_report(path: Path, out: Path, oracle: Oracle = no_oracle) -> Report:
    """Read a directory and write its page.

    Args:
        path: A run, a recipe's directory, a training or an evaluation.
        out: The HTML file; it is replaced as a whole.
        oracle: Whoever knows the truth about runs, if anyone does.

    Raises:
        UsageError: There is nothing at `path` that can be reported.
        StorageError: A file cannot be read or written.
    """
    material = gather(path, oracle)
    parts = parts_of(material)
    missing = left_out(material)
    make_folder(out.parent)
    write_text(out, rendered(material, parts, missing))
    figures = tuple(figure.id for part in parts for section in part.sections for figure in section.figures)
    return Report(out, figures, missing)


def rendered(material: Material, parts: tuple[Part, ...], missing: tuple[LeftOut, ...]) -> str:
    """The page as text."""
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["svg"] = _svg
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return environment.get_template("page.html.jinja").render(
        policy=policy,
        # The hash holds for exactly these characters, so they are not escaped; the sheet is our own.
        style=Markup(style),  # noqa: S704
        title=_TITLES[material.kind],
        name=visible(material.name),
        place=visible(str(material.path)),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=cai.__version__,
        sandbox=material.is_sandbox,
        facts=key_facts(material),
        counts=[(visible(run.name), reconciled(run.counts)) for run in material.runs],
        parts=parts,
        left_out=missing,
    )


def _svg(figure: Figure) -> Markup:
    return drawn(figure.chart, f"fig-{figure.id}", figure.title, figure.says)
