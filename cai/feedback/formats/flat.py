"""Our own columns: one judgement a row, of a comparison that is named by its id or given by its texts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cai.data.rows import RawRow
from cai.errors import FeedbackError
from cai.feedback.columns import Columns
from cai.feedback.judgement import UNANSWERED, Entry, Judgement, preferred_by_ratings, preferred_in, rating_in
from cai.feedback.rows import rows_of, suffix_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """The judgements of a file in our columns: `preferred`, or `rating_a` and `rating_b`.

    Raises:
        FeedbackError: The file or a row is malformed; says where.
    """
    flat = suffix_of(path).startswith(".csv")
    for row in rows_of(path):
        values = {name: unquoted(value) for name, value in row.values.items()} if flat else dict(row.values)
        yield Entry(row.number, judgement_of(RawRow(row.number, values), path, columns))


def judgement_of(row: RawRow, path: Path, columns: Columns) -> Judgement | str:
    """The judgement of one row, or the reason why there is none.

    Raises:
        FeedbackError: A value is of no use, or the row does not say which answers it means.
    """
    where, values = f"{path}:{row.number}", row.values
    if values.get("source") == "ai":
        fix = "import what people said; the AI labels of a run are in the run already"
        raise FeedbackError("this row says that it is an AI label (source: ai)", where=where, fix=fix)
    ratings = [rating_in(columns.take(values, name), name, where) for name in ("rating_a", "rating_b")]
    p_a = preferred_in(columns.take(values, "preferred"), where)
    said = Judgement(
        p_a=0.5,
        comparison_id=columns.name(values, "comparison_id", where),
        prompt=columns.prompt(values, where),
        response_a=columns.text(values, "response_a", where),
        response_b=columns.text(values, "response_b", where),
        annotator=columns.name(values, "annotator", where),
        note=columns.text(values, "note", where),
        rating_a=ratings[0],
        rating_b=ratings[1],
        hazard=columns.text(values, "hazard", where),
    )
    check_says_what(said, values, where)
    if p_a is None:
        p_a = preferred_by_ratings(*ratings)
    if p_a is None:
        if not any(name in values for ours in ("preferred", "rating_a", "rating_b") for name in columns.names(ours)):
            raise _missing("there is no preference in this row", values, where)
        return UNANSWERED if ratings == [None, None] else "only one of the two answers was rated"
    return replace(said, p_a=p_a)


def check_says_what(said: Judgement, values: object, where: str) -> None:
    """A judgement needs an id, or the prompt and both answers.

    Raises:
        FeedbackError: It has neither.
    """
    missing = [
        name
        for name, value in (("prompt", said.prompt), ("response_a", said.response_a), ("response_b", said.response_b))
        if value is None
    ]
    if missing and said.comparison_id is None:
        what = f"this row does not say which answers were judged: it has no comparison_id and no {missing[0]}"
        raise _missing(what, values, where)


def quoted(text: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it begins with: `'` before what would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unquoted(text: str) -> str:
    """The inverse of `quoted`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _missing(what: str, values: object, where: str) -> FeedbackError:
    names = ", ".join(map(str, values)) if isinstance(values, dict) and values else "none"
    fix = f"use our columns, or name yours with --column OURS=THEIRS; the row has {names}"
    return FeedbackError(what, where=where, fix=fix)
