"""One row of a prompt file, as plain values, to one `Prompt`. It knows no file format, only rows and their place."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_args

from cai.data.transcripts import split_turns
from cai.errors import PromptSourceError
from cai.records import Author, Message, Prompt

PROMPT_COLUMNS = ("messages", "prompt", "chosen")
OPTIONAL_COLUMNS = ("hazard", "tags")
_ROLES: tuple[str, ...] = get_args(Author)
_USUAL_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant"}
_WANTED = 'a row needs "messages" (a list of {"role", "content"}), "prompt" (a text), or "chosen" (an hh-rlhf text)'


class RawRow(NamedTuple):
    """A row as a reader found it: its line or row number from 1, and its values by column."""

    number: int
    values: Mapping[str, Any]


def prompt_of(row: RawRow, path: str, name: str, *, flat: bool = False) -> Prompt:
    """Make the prompt of one row. Columns that are not known are ignored.

    Args:
        row: The row.
        path: The file as the user wrote it, for messages.
        name: The file's name, for the prompt's `source`.
        flat: The format has only texts (CSV): tags are split at commas, and `messages` is JSON in a text.

    Raises:
        PromptSourceError: The row is not a prompt; says where, why, and what to do.
    """
    where = f"{path}:{row.number}"
    values = {key: value for key, value in row.values.items() if not (value is None or (flat and value == ""))}
    messages = _conversation(values, row.values, where, flat=flat)
    _check_ends_with_user(messages, where)
    for message in messages:
        _check_unicode(message.content, where)
    return Prompt.of(
        messages,
        f"{name}:{row.number}",
        _hazard(values.get("hazard"), where),
        _tags(values.get("tags"), where, flat=flat),
    )


def _conversation(
    values: Mapping[str, Any], columns: Mapping[str, Any], where: str, *, flat: bool
) -> tuple[Message, ...]:
    if "messages" in values:
        messages = values["messages"]
        return _messages(
            _unpacked(messages, where) if flat and isinstance(messages, str) else messages, "messages", where
        )
    if "prompt" in values:
        prompt = values["prompt"]
        return (Message("user", prompt),) if isinstance(prompt, str) else _messages(prompt, "prompt", where)
    if "chosen" in values:
        return _transcript(values["chosen"], where)
    raise _no_prompt(columns, where)


def _unpacked(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise PromptSourceError(
            "the column messages does not hold JSON", where=where, fix='write a JSON list, or use a column "prompt"'
        ) from None


def _messages(value: Any, column: str, where: str) -> tuple[Message, ...]:
    if not isinstance(value, list):
        raise PromptSourceError(f"{column} must be a list of messages, not {_kind(value)}", where=where, fix=_WANTED)
    if not value:
        raise PromptSourceError(f"{column} is an empty list", where=where, fix="give it at least one user turn")
    return tuple(_message(item, f"{column}[{index}]", where) for index, item in enumerate(value))


def _message(item: Any, place: str, where: str) -> Message:
    if not isinstance(item, Mapping):
        raise PromptSourceError(f"{place} must be an object, not {_kind(item)}", where=where, fix=_WANTED)
    for key in ("role", "content"):
        if item.get(key) is None:
            raise PromptSourceError(
                f"{place} has no {key!r}", where=where, fix=_renaming(item, (key,)) or f"add {key!r} to the message"
            )
    role, content = item["role"], item["content"]
    if role not in _ROLES:
        near = _USUAL_ROLES.get(str(role).lower()) or _nearest(str(role), _ROLES)
        raise PromptSourceError(
            f"{place} has the role {role!r}",
            where=where,
            fix=f"write {near!r}" if near else f"use one of {', '.join(_ROLES)}",
        )
    if not isinstance(content, str):
        raise PromptSourceError(
            f"the content of {place} must be a text, not {_kind(content)}", where=where, fix="only text is supported"
        )
    return Message(role, content)


def _transcript(value: Any, where: str) -> tuple[Message, ...]:
    """All turns up to the last human one; what follows it is the answer that hh-rlhf judged, and is dropped."""
    if not isinstance(value, str):
        raise PromptSourceError(
            f"chosen must be an hh-rlhf text, not {_kind(value)}",
            where=where,
            fix='put the conversation before the answer into a column "prompt"',
        )
    try:
        turns = split_turns(value)
    except ValueError as error:
        raise PromptSourceError(f"chosen: {error}", where=where, fix="check the text, or use prompt") from None
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None:
        raise PromptSourceError("chosen has no Human turn", where=where, fix="remove the row")
    return turns[: last + 1]


def _check_ends_with_user(messages: tuple[Message, ...], where: str) -> None:
    last = messages[-1]
    if last.role != "user":
        raise PromptSourceError(
            f"the conversation ends with {'an' if last.role == 'assistant' else 'a'} {last.role} turn",
            where=where,
            fix="the last turn must be the user's, for the model is to answer it: remove what follows it",
        )
    if not last.content.strip():
        raise PromptSourceError("the prompt is empty", where=where, fix="write a text or remove the row")


def _check_unicode(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptSourceError(
            f"the text holds half of a character ({text[error.start]!r}, a lone surrogate)",
            where=where,
            fix="remove it: it has no UTF-8 form",
        ) from None


def _hazard(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PromptSourceError(f"hazard must be a text, not {_kind(value)}", where=where, fix="put it in quotes")
    _check_unicode(value, where)
    return value


def _tags(value: Any, where: str, *, flat: bool) -> tuple[str, ...]:
    if value is None:
        return ()
    if flat and isinstance(value, str):
        value = [tag.strip() for tag in value.split(",") if tag.strip()]
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise PromptSourceError("tags must be a list of texts", where=where, fix='write it as ["one", "two"]')
    for tag in value:
        _check_unicode(tag, where)
    return tuple(value)


def _no_prompt(columns: Mapping[str, Any], where: str) -> PromptSourceError:
    present = [key for key in PROMPT_COLUMNS if key in columns]
    if present:
        return PromptSourceError("the prompt is empty", where=where, fix="write a text or remove the row")
    names = ", ".join(repr(str(key)) for key in list(columns)[:8]) or "none"
    return PromptSourceError(
        f"there is no prompt in this row; its columns are {names}",
        where=where,
        fix=_renaming(columns, PROMPT_COLUMNS) or _WANTED,
    )


def _renaming(columns: Mapping[str, Any], wanted: tuple[str, ...]) -> str | None:
    for column in columns:
        near = _nearest(str(column), wanted)
        if near:
            return f"rename {str(column)!r} to {near!r}"
    return None


def _nearest(word: str, choices: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(word.strip().lower(), list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def _kind(value: Any) -> str:
    names = {
        str: "a text",
        list: "a list",
        dict: "an object",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
