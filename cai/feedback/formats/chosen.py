"""Pairs of a chosen and a rejected answer: hh-rlhf's transcripts, and lists of messages as trainers read them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cai.data.transcripts import split_turns
from cai.errors import FeedbackError
from cai.feedback.columns import Columns, checked, conversation
from cai.feedback.judgement import Entry, Judgement
from cai.feedback.rows import rows_of
from cai.records import Message

DIFFERENT_PROMPTS = "the two transcripts differ before their last turn"
NO_ANSWER = "a transcript does not end with an answer"


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """One comparison a row; A is the chosen answer.

    `chosen` and `rejected` are transcripts ("\\n\\nHuman: ..."), lists of messages, or with a `prompt` beside them the
    answers alone. Rows in which they do not share all turns but the last are no comparison of two answers.

    Raises:
        FeedbackError: The file or a row is malformed; says where.
    """
    for row in rows_of(path):
        yield Entry(row.number, _judgement(row.values, f"{path}:{row.number}", columns))


def _judgement(values: Mapping[str, Any], where: str, columns: Columns) -> Judgement | str:
    if values.get("source") == "ai":
        fix = "import what people said; the AI labels of a run are in the run already"
        raise FeedbackError("this row says that it is an AI label (source: ai)", where=where, fix=fix)
    given = columns.prompt(values, where)
    sides = []
    for name in ("chosen", "rejected"):
        turns = _turns(values.get(name), name, where, after=given is not None)
        if not turns or turns[-1].role != "assistant":
            return NO_ANSWER
        sides.append(turns)
    before = [turns[:-1] for turns in sides]
    if before[0] != before[1]:
        return DIFFERENT_PROMPTS
    prompt = given if given is not None and not before[0] else before[0]
    if not prompt or prompt[-1].role != "user":
        return "there is no user's turn before the answers"
    return Judgement(
        p_a=1.0,
        comparison_id=columns.name(values, "comparison_id", where),
        prompt=conversation([turn.to_dict() for turn in prompt], where),
        response_a=checked(sides[0][-1].content, "chosen", where),
        response_b=checked(sides[1][-1].content, "rejected", where),
        annotator=columns.name(values, "annotator", where),
        note=columns.text(values, "note", where),
        hazard=columns.text(values, "hazard", where),
    )


def _turns(value: Any, name: str, where: str, *, after: bool) -> tuple[Message, ...]:
    """The turns of one side; `after` a prompt a text is the answer alone."""
    if isinstance(value, str):
        if after:
            return (Message("assistant", value),)
        try:
            return split_turns(value)
        except ValueError as error:
            fix = "write a transcript, or give the conversation in a column `prompt`"
            raise FeedbackError(f"{name}: {error}", where=where, fix=fix) from None
    fix = 'write a transcript or a list of {"role", "content"}'
    if not isinstance(value, list):
        raise FeedbackError(f"{name} is no transcript and no list of messages", where=where, fix=fix)
    turns = []
    for index, item in enumerate(value):
        role, content = (item.get("role"), item.get("content")) if isinstance(item, Mapping) else (None, None)
        if role not in ("system", "user", "assistant") or not isinstance(content, str):
            raise FeedbackError(f"{name}[{index}] is not a message with a role and a text", where=where, fix=fix)
        turns.append(Message(role, content))
    return tuple(turns)
