"""The annotated-pairs format of inverse constitutional AI: one JSON object with annotators and comparisons.

Annotators of the type `principle` are rules that a model applied, not people: they are passed over.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cai.errors import FeedbackError, StorageError
from cai.feedback.columns import Columns, conversation
from cai.feedback.judgement import UNANSWERED, Entry, Judgement, preferred_in
from cai.store.json_file import read_object

_FIX = "write the file again as annotated pairs, format 2.0"


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """One judgement for each person and comparison; entries are numbered by comparison.

    Raises:
        FeedbackError: The file or a comparison is malformed; says where.
    """
    try:
        whole = read_object(path, _FIX)
    except StorageError as error:
        raise FeedbackError(error.what, where=error.where, fix=error.fix) from None
    comparisons, annotators = whole.get("comparisons"), whole.get("annotators")
    if not isinstance(comparisons, list) or not isinstance(annotators, dict):
        raise FeedbackError("there are no `comparisons` and `annotators`", where=str(path), fix=_FIX)
    people = {
        str(key): str(about.get("name") or key)
        for key, about in annotators.items()
        if isinstance(about, dict) and about.get("type") != "principle"
    }
    for number, item in enumerate(comparisons, start=1):
        where = f"{path}:{number}"
        annotations = item.get("annotations") if isinstance(item, dict) else None
        if not isinstance(annotations, Mapping):
            raise FeedbackError("this comparison has no `annotations`", where=where, fix=_FIX)
        said = [(people[key], given) for key, given in annotations.items() if key in people]
        if not said:
            yield Entry(number, UNANSWERED)
        for person, given in said:
            yield Entry(number, _judgement(item, person, given, where))


def _judgement(item: Mapping[str, Any], person: str, given: Any, where: str) -> Judgement | str:
    p_a = preferred_in(given.get("pref") if isinstance(given, Mapping) else given, where)
    if p_a is None:
        return UNANSWERED
    prompt = item.get("prompt")
    answers = [_answer(item.get(name), name, where) for name in ("response_a", "response_b")]
    if prompt is None:
        raise FeedbackError("this comparison has no prompt", where=where, fix=_FIX)
    return Judgement(p_a, None, conversation(prompt, where), answers[0], answers[1], person)


def _answer(value: Any, name: str, where: str) -> str:
    text = value.get("text") if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        raise FeedbackError(f"{name} has no text", where=where, fix=_FIX)
    return text
