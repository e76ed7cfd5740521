"""Argilla's records with the responses of people: as JSON, and as rows of a dataset on the Hub, of versions 1 and 2.

In JSON of version 2 a record has `fields`, `metadata`, and `responses`: by question a list of {"value", "user_id"}. On
the Hub each question has columns `NAME.responses`, `NAME.responses.users` and `NAME.responses.status`; version 1 has
one column `NAME` with {"user_id", "value", "status"} (a list of these, or lists under these). The value of a label
question is a text, of a rating question a number, of a ranking question a list, the best first: names, or objects with
`value` and `rank`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from cai.errors import FeedbackError
from cai.feedback.columns import Columns, checked
from cai.feedback.formats.flat import check_says_what
from cai.feedback.judgement import UNANSWERED, Entry, Judgement, preferred_by_ratings, preferred_in, rating_in
from cai.feedback.rows import rows_of

NOT_SUBMITTED = "the response was not submitted"
_FIX = "export the records with their responses: dataset.records.to_json(FILE), or as a dataset on the Hub"


class _Response(NamedTuple):
    question: str
    user: str | None
    value: Any
    status: str | None


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """One judgement for each person who answered a record; entries are numbered by record.

    Raises:
        FeedbackError: The file or a record is malformed; says where.
    """
    for row in rows_of(path):
        where = f"{path}:{row.number}"
        asked = _asked(row.values, where, columns)
        people: dict[str | None, list[_Response]] = {}
        for response in _responses(row.values, where):
            people.setdefault(response.user, []).append(response)
        if not people:
            yield Entry(row.number, UNANSWERED)
        for user, responses in people.items():
            yield Entry(row.number, _judgement(asked, user, responses, where, columns))


def _asked(record: Mapping[str, Any], where: str, columns: Columns) -> Judgement:
    fields = record.get("fields", record)
    if not isinstance(fields, Mapping):
        raise FeedbackError("`fields` is not an object", where=where, fix=_FIX)
    known = {**_metadata(record.get("metadata")), **fields}
    named = columns.name(known, "comparison_id", where)
    own = next((record[key] for key in ("external_id", "id") if isinstance(record.get(key), str)), None)
    asked = Judgement(
        p_a=0.5,
        comparison_id=named or own,
        prompt=columns.prompt(fields, where),
        response_a=columns.text(fields, "response_a", where),
        response_b=columns.text(fields, "response_b", where),
        hazard=columns.text(known, "hazard", where),
    )
    check_says_what(asked, dict(fields), where)
    return asked


def _metadata(value: Any) -> Mapping[str, Any]:
    """An object, or its text as version 1 writes it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            # Metadata of one's own form says nothing to us.
            return {}
    return value if isinstance(value, Mapping) else {}


def _responses(record: Mapping[str, Any], where: str) -> Iterator[_Response]:
    nested = record.get("responses")
    if isinstance(nested, Mapping):
        for question, found in nested.items():
            yield from _listed(str(question), found, where)
        return
    for name, found in record.items():
        if name.endswith(".responses"):
            yield from _columns(name, record, where)
        elif is_first_version(found):
            yield from _listed(name, found, where)


def is_first_version(found: Any) -> bool:
    """Whether a column holds responses as Argilla 1 writes them."""
    if isinstance(found, list):
        found = next((item for item in found if isinstance(item, Mapping)), None)
    return isinstance(found, Mapping) and {"user_id", "value"} <= set(found)


def _listed(question: str, found: Any, where: str) -> Iterator[_Response]:
    if isinstance(found, Mapping):
        keys = ("user_id", "value", "status")
        lists = (found.get(key) for key in keys)
        columns = [values if isinstance(values, list) else [] for values in lists]
        found = [dict(zip(keys, values, strict=True)) for values in zip_longest(*columns)]
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise FeedbackError(f"the responses to {question!r} are not a list of objects", where=where, fix=_FIX)
    for item in found:
        user = item.get("user_id")
        yield _Response(question, None if user is None else str(user), item.get("value"), item.get("status"))


def _columns(name: str, record: Mapping[str, Any], where: str) -> Iterator[_Response]:
    values = record[name] or []
    users, statuses = (record.get(f"{name}.{part}") or [None] * len(values) for part in ("users", "status"))
    if not all(isinstance(found, list) and len(found) == len(values) for found in (values, users, statuses)):
        raise FeedbackError(f"the columns {name}, .users and .status are not of one length", where=where, fix=_FIX)
    for value, user, status in zip(values, users, statuses, strict=True):
        yield _Response(name.removesuffix(".responses"), None if user is None else str(user), value, status)


def _judgement(
    asked: Judgement, user: str | None, responses: list[_Response], where: str, columns: Columns
) -> Judgement | str:
    submitted = [found for found in responses if found.status in (None, "submitted") and found.value is not None]
    if not submitted:
        return NOT_SUBMITTED if any(found.status not in (None, "submitted") for found in responses) else UNANSWERED
    preferred: float | None = None
    ratings: dict[str, float | None] = {"rating_a": None, "rating_b": None}
    note = None
    for found in submitted:
        meant = columns.ours(found.question)
        place = f"{where}: {found.question}"
        if isinstance(found.value, list):
            preferred = _ranked(found.value, place, columns) if preferred is None else preferred
        elif meant == "preferred":
            preferred = preferred_in(found.value, place)
        elif meant in ratings:
            ratings[meant] = rating_in(found.value, meant, place)
        elif meant == "note" and isinstance(found.value, str):
            note = checked(found.value, "note", place)
    p_a = preferred if preferred is not None else preferred_by_ratings(ratings["rating_a"], ratings["rating_b"])
    if p_a is None:
        names = ", ".join(dict.fromkeys(found.question for found in submitted))
        return f"no question is known as a preference, a ranking or two ratings (there are: {names})"
    rated = replace(asked, rating_a=ratings["rating_a"], rating_b=ratings["rating_b"])
    return replace(rated, p_a=p_a, annotator=user, note=note)


def _ranked(value: list[Any], where: str, columns: Columns) -> float | None:
    """The preference that a ranking of the two answers comes to; None if it ranks something else."""
    ranks: dict[str, float] = {}
    for index, item in enumerate(value):
        name, rank = (item.get("value"), item.get("rank")) if isinstance(item, Mapping) else (item, index)
        side = columns.ours(str(name))
        if side is None and str(name).strip().lower() in ("a", "b"):
            side = f"response_{str(name).strip().lower()}"
        if side in ("response_a", "response_b"):
            if rank is None or isinstance(rank, bool) or not isinstance(rank, int | float):
                raise FeedbackError(f"the rank of {name!r} is not a number", where=where, fix=_FIX)
            ranks[side] = float(rank)
    # The lower rank is the better one.
    return preferred_by_ratings(*(-ranks[s] if s in ranks else None for s in ("response_a", "response_b")))
