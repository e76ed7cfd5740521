"""Label Studio's JSON export: tasks with annotations, of a pairwise or a rating project.

A task has `data` (our columns, or others by --column) and `annotations`, each with `completed_by`, `was_cancelled` and
a list `result`, whose items have `from_name`, `to_name`, `type` and `value` (labelstud.io, guide "Export annotations").
The tag Pairwise leaves {"selected": "left" | "right"}, Rating {"rating": n}, Choices {"choices": [...]}, TextArea
{"text": [...]}. Left is answer A: the export does not say what the labelling form called the left one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cai.errors import FeedbackError
from cai.feedback.columns import Columns, checked
from cai.feedback.formats.flat import check_says_what
from cai.feedback.judgement import (
    UNANSWERED,
    Entry,
    Judgement,
    is_preference,
    preferred_by_ratings,
    preferred_in,
    rating_in,
)
from cai.feedback.rows import rows_of

CANCELLED = "the annotator skipped it"
_FIX = "export the project from Label Studio as JSON (not JSON_MIN or CSV)"


@dataclass(slots=True)
class _Answers:
    """What the results of one annotation come to."""

    preferred: float | None = None
    rating_a: float | None = None
    rating_b: float | None = None
    note: str | None = None


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """One judgement an annotation; entries are numbered by task.

    Raises:
        FeedbackError: The file or a task is malformed; says where.
    """
    for row in rows_of(path):
        where = f"{path}:{row.number}"
        data, annotations = row.values.get("data"), row.values.get("annotations")
        if not isinstance(data, dict) or not isinstance(annotations, list):
            raise FeedbackError("this is not a task with `data` and `annotations`", where=where, fix=_FIX)
        asked = _asked(data, where, columns)
        if not annotations:
            yield Entry(row.number, UNANSWERED)
        for index, annotation in enumerate(annotations):
            place = f"annotations[{index}]"
            if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
                raise FeedbackError(f"{place} has no list `result`", where=where, fix=_FIX)
            yield Entry(row.number, _judgement(annotation, asked, f"{where}: {place}", columns))


def _asked(data: Mapping[str, Any], where: str, columns: Columns) -> Judgement:
    asked = Judgement(
        p_a=0.5,
        comparison_id=columns.name(data, "comparison_id", where),
        prompt=columns.prompt(data, where),
        response_a=columns.text(data, "response_a", where),
        response_b=columns.text(data, "response_b", where),
        hazard=columns.text(data, "hazard", where),
    )
    check_says_what(asked, data, where)
    return asked


def _judgement(annotation: Mapping[str, Any], asked: Judgement, where: str, columns: Columns) -> Judgement | str:
    if annotation.get("was_cancelled"):
        return CANCELLED
    answers = _Answers()
    for item in annotation["result"]:
        _take(item, answers, where, columns)
    p_a = answers.preferred
    if p_a is None:
        p_a = preferred_by_ratings(answers.rating_a, answers.rating_b)
    if p_a is None:
        one = answers.rating_a is not None or answers.rating_b is not None
        return "only one of the two answers was rated" if one else UNANSWERED
    return replace(
        asked,
        p_a=p_a,
        annotator=_annotator(annotation.get("completed_by")),
        note=answers.note,
        rating_a=answers.rating_a,
        rating_b=answers.rating_b,
    )


def _take(item: Any, answers: _Answers, where: str, columns: Columns) -> None:
    """Put one result where it belongs; results of other questions of the form are passed over."""
    value = item.get("value") if isinstance(item, dict) else None
    if not isinstance(value, dict):
        raise FeedbackError("a result has no `value`", where=where, fix=_FIX)
    kind = item.get("type")
    if kind == "pairwise":
        answers.preferred = preferred_in(value.get("selected"), where)
    elif kind == "choices":
        chosen = value.get("choices")
        picked = chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else None
        if picked is not None and (columns.ours(str(item.get("from_name"))) == "preferred" or is_preference(picked)):
            answers.preferred = preferred_in(picked, where)
    elif kind in ("rating", "number"):
        _rate(rating_in(value.get(kind), str(kind), where), item, answers, columns)
    elif kind == "textarea":
        written = value.get("text")
        text = "\n".join(map(str, written)) if isinstance(written, list) else str(written or "")
        answers.note = checked(text, "note", where) or answers.note


def _rate(rating: float | None, item: Mapping[str, Any], answers: _Answers, columns: Columns) -> None:
    """A rating is of the answer that its own name or that of the rated text means."""
    meant = {columns.ours(str(item.get(key))) for key in ("from_name", "to_name")}
    if meant & {"rating_a", "response_a"}:
        answers.rating_a = rating
    elif meant & {"rating_b", "response_b"}:
        answers.rating_b = rating


def _annotator(who: Any) -> str | None:
    """`completed_by` is a number, or an object with more about the person."""
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return None if who is None or who == "" else str(who)
