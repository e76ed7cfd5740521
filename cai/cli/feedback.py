"""`cai feedback`: what people say of a run's answers, beside what the AI said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.feedback.compared import View
    from cai.feedback.export import AiLabels
    from cai.feedback.store import FeedbackStore

app = typer.Typer(
    help="What people say of a run: import, agreement, review, rows to train on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
RunArgument = Annotated[Path, typer.Argument(help="Run directory, or the folder of `cai label`.", show_default=False)]
AI_CHOICES = ("none", "mix", "replace")


@app.command("import")
def import_(
    run: RunArgument,
    file: Annotated[Path, typer.Argument(help="File of comparisons or ratings.", show_default=False)],
    name: Annotated[
        str,
        typer.Option(
            "--format", help="auto, jsonl, csv (our own columns), hh-rlhf, label-studio, argilla or annotated-pairs."
        ),
    ] = "auto",
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="OURS=THEIRS", help="Name a column of the file; repeatable."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget what was imported before.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take human comparisons or ratings into a run, joined to its comparisons by id or by content."""
    from cai.cli.progress import showing
    from cai.feedback.columns import Columns
    from cai.feedback.export import export_own
    from cai.feedback.import_summary import ImportSummary
    from cai.feedback.imports import import_feedback
    from cai.feedback.store import FeedbackStore

    columns, summary = Columns.of(column or ()), ImportSummary(str(file))
    progress = showing(lambda: f"importing: {summary.rows:,} judgements read")
    with _run(run) as view, FeedbackStore.open(view.place) as store, store.alone(), progress:
        import_feedback(view, store, file, name, columns, replace=replace, summary=summary)
        rows = export_own(view, store)
    if as_json:
        show_json({"run_dir": str(run), **summary.to_dict(), "preferences": rows.to_dict()})
        return
    from cai.cli.console import out
    from cai.cli.feedback_tables import import_view

    out().print(import_view(run, summary, rows), soft_wrap=True)


@app.command()
def agreement(
    run: RunArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="List at most this many disagreements.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Compare the AI labels of a run with what people said, and people with each other."""
    from cai.feedback.agreement import measure

    with _run(run) as view, _judged(view) as store:
        found = measure(view, store, limit)
    if as_json:
        show_json({"run_dir": str(run), **found.to_dict()})
        return
    from cai.cli.console import out
    from cai.cli.feedback_tables import agreement_view

    out().print(agreement_view(found))


@app.command()
def review(
    run: RunArgument,
    out_file: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Comparisons to look at.")] = 200,
    name: Annotated[
        str | None, typer.Option("--format", help="csv, jsonl, label-studio or argilla; by default as the suffix says.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Reasons, by commas: uncertain, flipped, spread, harmful, disputed, random."),
    ] = None,
    show_ai: Annotated[bool, typer.Option("--show-ai", help="Show what the AI preferred: not for measuring.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the order of answers and rows.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write the comparisons that a person should look at first, blind and in a drawn order."""
    row = written_review(run, out_file, n, name, by.split(",") if by else None, show_ai=show_ai, seed=seed)
    if as_json:
        show_json(row)
        return
    from cai.cli.console import out, safe
    from cai.cli.feedback_tables import review_view

    out().print(review_view(row), soft_wrap=True)
    out().print(safe(f"when it is filled in: cai feedback import {run} FILE"), soft_wrap=True)


@app.command()
def export(
    run: RunArgument,
    out_folder: Annotated[Path, typer.Option("--out", "-o", help="New folder for the rows.", show_default=False)],
    ai: Annotated[
        str,
        typer.Option(
            "--ai", help="none: rows of people alone; mix: all rows, both together; replace: all rows, people first."
        ),
    ] = "none",
    weight: Annotated[
        float, typer.Option("--weight", "-w", min=0, help="With mix: (WEIGHT x people + AI) / (WEIGHT + 1).")
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Write what people said as preference rows, alone or together with the AI labels."""
    from cai.feedback.export import export_feedback

    if ai not in AI_CHOICES:
        raise UsageError(f"there is no choice {ai!r}", where="--ai", fix=f"use {', '.join(AI_CHOICES)}")
    with _run(run) as view, _judged(view) as store:
        found = export_feedback(view, store, out_folder, cast("AiLabels", ai), weight)
    if as_json:
        show_json({"run_dir": str(run), **found.to_dict()})
        return
    from cai.cli.console import out
    from cai.cli.feedback_tables import export_view

    out().print(export_view(found), soft_wrap=True)


def written_review(
    run: Path,
    file: Path,
    n: int = 200,
    name: str | None = None,
    by: list[str] | None = None,
    *,
    show_ai: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Write a file for review, and say what is in it; `cai label` calls it too."""
    from collections import Counter

    from cai.feedback.review import REASONS
    from cai.feedback.review import review as chosen
    from cai.feedback.review_files import format_for, write_review
    from cai.feedback.store import FeedbackStore

    format_ = format_for(file, name)
    with _run(run) as view, FeedbackStore.open(view.place) as store:
        items = chosen(view, store, n, by or tuple(REASONS), seed)
    files = write_review(file, items, format_, show_ai=show_ai)
    reasons = dict(Counter(item.reason for item in items))
    return {"run_dir": str(run), "comparisons": len(items), "by_reason": reasons, "files": [str(f) for f in files]}


@contextmanager
def _run(path: Path) -> "Iterator[View]":
    from cai.feedback.views import open_view

    view = open_view(path)
    try:
        yield view
    finally:
        view.close()


def _judged(view: "View") -> "FeedbackStore":
    from cai.feedback.store import FeedbackStore

    store = FeedbackStore.existing(view.place)
    if store is None:
        fix = f"import some: cai feedback import {view.place.path} FILE"
        raise UsageError("nobody has given feedback on this run yet", where=str(view.place.path), fix=fix)
    return store
