"""One row of training data, as plain values, to one example in text. It knows no file format and no token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cai.errors import DatasetError
from cai.records import Author, Message

Kind = Literal["sft", "reward", "dpo", "kto"]
COLUMNS = ("prompt", "completion", "chosen", "rejected", "p_chosen", "label", "hazard")
"""All that any kind reads; what else a row holds is provenance."""

WANTED = {
    "sft": "`prompt` and `completion`",
    "reward": "`prompt`, `chosen` and `rejected` (and `p_chosen`, if known)",
    "dpo": "`prompt`, `chosen` and `rejected` (and `p_chosen`, if known)",
    "kto": "`prompt`, `completion` and `label` (true or false), or those of a preference dataset",
}
_ROLES: tuple[str, ...] = get_args(Author)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to learn; `desirable` only where it may be a bad one (KTO)."""

    prompt: tuple[Message, ...]
    completion: str
    desirable: bool = True


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers and the probability that `chosen` is the better one: 1 where the data give none."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    p_chosen: float = 1.0
    hazard: str | None = None


Example = Answer | Pair


def examples_of(kind: Kind, values: Mapping[str, Any], where: str) -> tuple[Example, ...]:
    """The examples in one row: one, or for KTO the two answers of a pair. Columns that are not known are ignored.

    Raises:
        DatasetError: The row does not have what this kind of training needs; says where, why, and what to do.
    """
    if kind == "sft":
        return (Answer(_prompt(kind, values, where), _answer(kind, values, "completion", where)),)
    if kind == "kto" and values.get("label") is not None:
        return (_marked(values, where),)
    pair = _pair(kind, values, where)
    if kind != "kto":
        return (pair,)
    return Answer(pair.prompt, pair.chosen, True), Answer(pair.prompt, pair.rejected, False)


def _marked(values: Mapping[str, Any], where: str) -> Answer:
    label = values["label"]
    if not isinstance(label, bool):
        fix = "true is a good answer, false a bad one"
        raise DatasetError(f"label must be true or false, not {label!r}", where=where, fix=fix)
    return Answer(_prompt("kto", values, where), _answer("kto", values, "completion", where), label)


def _pair(kind: Kind, values: Mapping[str, Any], where: str) -> Pair:
    prompt = _prompt(kind, values, where)
    chosen, rejected = (_answer(kind, values, name, where) for name in ("chosen", "rejected"))
    p_chosen = values.get("p_chosen")
    if p_chosen is None:
        p_chosen = 1.0
    if isinstance(p_chosen, bool) or not isinstance(p_chosen, int | float) or not 0.5 <= p_chosen <= 1:
        fix = "exchange chosen and rejected where the other answer is the likelier one"
        raise DatasetError(f"p_chosen must be a number from 0.5 to 1, not {p_chosen!r}", where=where, fix=fix)
    hazard = values.get("hazard")
    return Pair(prompt, chosen, rejected, float(p_chosen), hazard if isinstance(hazard, str) and hazard else None)


def _prompt(kind: Kind, values: Mapping[str, Any], where: str) -> tuple[Message, ...]:
    value = _column(kind, values, "prompt", where)
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    messages = _messages(value, "prompt", where)
    if messages[-1].role == "assistant":
        fix = "end the prompt with the user's turn; the answer goes into a column of its own"
        raise DatasetError("the prompt ends with an assistant turn", where=where, fix=fix)
    return messages


def _answer(kind: Kind, values: Mapping[str, Any], column: str, where: str) -> str:
    value = _column(kind, values, column, where)
    if isinstance(value, str):
        return value
    messages = _messages(value, column, where)
    if len(messages) != 1 or messages[0].role != "assistant":
        fix = "put the turns before the answer into `prompt`"
        raise DatasetError(f"{column} must be one assistant message", where=where, fix=fix)
    return messages[0].content


def _column(kind: Kind, values: Mapping[str, Any], column: str, where: str) -> Any:
    value = values.get(column)
    if value is None:
        names = ", ".join(str(name) for name in values) or "none"
        what = f"there is no `{column}` in this row (it has: {names})"
        raise DatasetError(what, where=where, fix=f"training of the kind {kind} needs {WANTED[kind]}")
    return value


def _messages(value: Any, column: str, where: str) -> tuple[Message, ...]:
    fix = 'write a text, or a list of {"role": ..., "content": ...}'
    if not isinstance(value, list) or not value:
        raise DatasetError(f"{column} must be a text or a list of messages", where=where, fix=fix)
    messages = []
    for index, item in enumerate(value):
        role, content = (item.get("role"), item.get("content")) if isinstance(item, Mapping) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            what = f"{column}[{index}] is not a message with a role ({', '.join(_ROLES)}) and a text"
            raise DatasetError(what, where=where, fix=fix)
        messages.append(Message(role, content))
    return tuple(messages)
