"""`cai label`: AI feedback on a file of comparisons, whoever made them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.label_settings import METHODS, LabelChoices, resolve_labeling
from cai.cli.output import Interrupted, show_json
from cai.cli.settings import (
    BaseUrlOption,
    Choices,
    ConstitutionOption,
    EngineOption,
    JsonOption,
    ModelOption,
    PipelineOption,
    SeedOption,
    SetOption,
)

if TYPE_CHECKING:
    from cai.config.labeling import LabelingConfig


def label(
    comparisons: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Comparisons: .jsonl, .json, .csv or .parquet.", show_default=False),
    ],
    constitution: ConstitutionOption = None,
    question: Annotated[
        str | None, typer.Option("--question", help="Ask this one question in place of a constitution's.")
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", metavar="METHOD", help=f"{', '.join(METHODS)}; else the pipeline's.")
    ] = None,
    principles: Annotated[
        int | None, typer.Option("--principles", min=1, help="Principles drawn for each comparison.")
    ] = None,
    pipeline: PipelineOption = None,
    model: ModelOption = None,
    engine: EngineOption = None,
    base_url: BaseUrlOption = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Take at most this many rows.")] = None,
    seed: SeedOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the labels.")] = Path("runs/labels"),
    overrides: SetOption = None,
    review: Annotated[
        Path | None,
        typer.Option("--export-for-review", help="Also write what a person should look at first: .csv or .jsonl."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say of every comparison in a file which answer is better, and how sure that is.

    A row has a prompt with response_a and response_b, or chosen and rejected, or is a pair of LLMBar or a question of
    the constitutional AI paper. Where the file says which answer is right, the labels are measured against it. What
    was labelled before is not asked again.
    """
    shared = Choices(
        comparisons,
        constitution,
        pipeline,
        model,
        engine,
        tuple(base_url or ()),
        None,
        limit,
        seed,
        tuple(overrides or ()),
    )
    if review is not None:
        from cai.feedback.review_files import format_for

        # Else it would be said when all the work is done.
        format_for(review)
    figures = _run(resolve_labeling(LabelChoices(shared, question, method, principles)), out)
    if review is not None:
        from cai.cli.feedback import written_review

        figures["review"] = written_review(out, review)
    _show(figures, out, as_json=as_json)
    if figures["failed"]:
        raise typer.Exit(3)


def _run(config: "LabelingConfig", out: Path) -> dict[str, Any]:
    import asyncio

    from cai.cli.progress import duration, rest, showing
    from cai.comparisons.run import label_file
    from cai.comparisons.stats import LabelingStats

    stats = LabelingStats()

    def line() -> str:
        if not stats.done:
            return f"{stats.phase} ... {duration(stats.elapsed_s)}"
        rate = f", {stats.done / stats.elapsed_s:,.1f} rows/s" if stats.elapsed_s > 0 else ""
        failed = f", {stats.failed} failed" if stats.failed else ""
        return f"{stats.phase} {stats.done}/{stats.total}{rate}{failed}{rest(stats)}"

    try:
        with showing(line):
            return asyncio.run(label_file(config, out, stats))
    except KeyboardInterrupt:
        fix = "every label is kept; the same command goes on from there"
        raise Interrupted(f"stopped with {stats.done} of {stats.total} rows done", where=str(out), fix=fix) from None


def _show(figures: dict[str, Any], out: Path, *, as_json: bool) -> None:
    if as_json:
        show_json(figures)
        return
    from cai.cli.console import out as stdout
    from cai.cli.console import safe
    from cai.cli.label_tables import figures_table, figures_words

    console = stdout()
    console.print(figures_table(figures))
    for text in figures_words(figures, out):
        console.print(safe(text), soft_wrap=True)
    for file in figures.get("review", {}).get("files", ()):
        console.print(safe(f"for review: {file}"), soft_wrap=True)
