"""One row of a file of trajectories: the prompt, the draft, and the rounds of critique and revision that followed.

It knows neither run directories nor constitutions: a round names its principles as the row has them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.data.readers import jsonl_rows
from cai.data.rows import RawRow, prompt_of
from cai.data.transcripts import split_turns
from cai.errors import CaiError, PromptSourceError, StorageError, TrajectoryError
from cai.records import Prompt

MOST_ROUNDS = 64
MOST_LISTED = 25
UNKNOWN_MODEL = "unknown"
_SUFFIXES = (".jsonl", ".jsonl.gz")
_TRANSCRIPT = re.compile(r"\A\n*Human:")


@dataclass(frozen=True, slots=True)
class ImportedRound:
    """One round as its row has it.

    `principles` are ids or texts of requests. One of `critique` and `revision` may be None, not both: a round without
    a critique asked for the revision at once, one without a revision found nothing to revise.
    """

    principles: tuple[str, ...]
    critique: str | None
    revision: str | None
    revision_request: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One trajectory."""

    prompt: Prompt
    draft: str
    rounds: tuple[ImportedRound, ...]
    model: str


def read_trajectories(path: Path) -> Iterator[ImportedRow]:
    """The trajectories of a file, in its order, as a stream.

    Raises:
        TrajectoryError: The file is missing or cannot be read, or a row is not usable: `file:line` and why.
        StorageError: The system does not let the file be read.
    """
    for row in _raw_rows(path):
        yield row_of(row, path)


def check_trajectories(path: Path) -> Iterator[ImportedRow]:
    """The same, but all rows that are wrong are told of at the end, at once.

    Raises:
        TrajectoryError: As above; or there is no row at all.
        StorageError: The system does not let the file be read.
    """
    problems: list[CaiError] = []
    count = 0
    rows = _raw_rows(path)
    while True:
        try:
            row = next(rows, None)
            if row is None:
                break
            count += 1
            found = row_of(row, path)
        except TrajectoryError as error:
            problems.append(error)
        else:
            yield found
    if problems:
        raise _together(problems)
    if not count:
        raise TrajectoryError("the file holds no trajectory", where=str(path), fix="write at least one")


def row_of(row: RawRow, path: Path) -> ImportedRow:
    """Read one row. Columns that are not known are ignored.

    Raises:
        TrajectoryError: It is not a trajectory; says where, why, and what to do.
    """
    where = f"{path}:{row.number}"
    values = row.values
    prompt = _prompt(row, path, where)
    draft = _text(values, "draft", "draft", where)
    rounds = values.get("rounds")
    if not isinstance(rounds, list):
        raise TrajectoryError("rounds must be a list", where=where, fix="write [] for a draft that nobody revised")
    if len(rounds) > MOST_ROUNDS:
        raise TrajectoryError(f"there are {len(rounds)} rounds", where=where, fix=f"{MOST_ROUNDS} are the most")
    model = values.get("model")
    return ImportedRow(
        prompt,
        draft,
        tuple(_round(item, f"rounds[{index}]", where) for index, item in enumerate(rounds)),
        UNKNOWN_MODEL if model is None else _text(values, "model", "model", where),
    )


def _prompt(row: RawRow, path: Path, where: str) -> Prompt:
    """A list of messages, a text, or a transcript that may end with the marker of the answer."""
    values = {key: row.values[key] for key in ("prompt", "messages", "hazard", "tags") if key in row.values}
    text = values.get("prompt")
    try:
        if isinstance(text, str) and _TRANSCRIPT.match(text):
            turns = split_turns(text)
            if len(turns) > 1 and turns[-1].role == "assistant" and not turns[-1].content.strip():
                turns = turns[:-1]
            values["prompt"] = [turn.to_dict() for turn in turns]
        return prompt_of(RawRow(row.number, values), str(path), path.name)
    except PromptSourceError as error:
        raise TrajectoryError(error.what, where=error.where, fix=error.fix) from None
    except ValueError as error:
        raise TrajectoryError(f"prompt: {error}", where=where, fix="write a list of messages") from None


def _round(item: Any, place: str, where: str) -> ImportedRound:
    if not isinstance(item, Mapping):
        raise TrajectoryError(f"{place} must be an object", where=where, fix="with principle, critique and revision")
    critique, revision, request = (
        _text(item, key, f"{place}.{key}", where) if item.get(key) is not None else None
        for key in ("critique", "revision", "revision_request")
    )
    if critique is None and revision is None:
        raise TrajectoryError(f"{place} has neither critique nor revision", where=where, fix="remove the round")
    return ImportedRound(_principles(item, place, where), critique, revision, request)


def _principles(item: Mapping[str, Any], place: str, where: str) -> tuple[str, ...]:
    named = item.get("principle")
    texts = [named] if isinstance(named, str) else named
    if not isinstance(texts, list) or not texts:
        fix = "write the id of a principle or the text of a request, or a list of them"
        raise TrajectoryError(f"{place} names no principle", where=where, fix=fix)
    return tuple(dict.fromkeys(_text({"principle": text}, "principle", f"{place}.principle", where) for text in texts))


def _text(holder: Mapping[str, Any], key: str, place: str, where: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not value.strip():
        what = "is missing" if value is None else "is empty" if isinstance(value, str) else "must be a text"
        raise TrajectoryError(f"{place} {what}", where=where, fix="write a text, or remove the row")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        what = f"{place} holds half of a character (a lone surrogate)"
        raise TrajectoryError(what, where=where, fix="remove it: it has no UTF-8 form") from None
    return value.strip()


def _raw_rows(path: Path) -> Iterator[RawRow]:
    if not path.name.lower().endswith(_SUFFIXES):
        what = "trajectories are read from JSON lines only"
        raise TrajectoryError(what, where=str(path), fix=f"use a file that ends in {' or '.join(_SUFFIXES)}")
    try:
        yield from jsonl_rows(path)
    except PromptSourceError as error:
        # A row in that form needs more than the prompt that this error speaks of.
        raise TrajectoryError(error.what, where=error.where, fix="each line must be one JSON object") from None
    except FileNotFoundError:
        raise TrajectoryError("there is no such file", where=str(path), fix="check the path") from None
    except IsADirectoryError:
        raise TrajectoryError("this is a folder, not a file", where=str(path), fix="name a file in it") from None
    except OSError as error:
        raise StorageError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def _together(problems: list[CaiError]) -> CaiError:
    if len(problems) == 1:
        return problems[0]
    first = problems[0]
    lines = [first.what + (f" ({first.fix})" if first.fix else ""), *map(str, problems[1:MOST_LISTED])]
    left = len(problems) - MOST_LISTED
    return TrajectoryError("\n".join(lines + ([f"and {left} more"] if left > 0 else [])), where=first.where)
