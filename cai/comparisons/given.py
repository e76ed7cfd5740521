"""One row of a file of comparisons, as plain values, to two answers of one prompt. It knows no file format.

Four forms are known, told apart by their columns: our own (`response_a`, `response_b`), preferences (`chosen`,
`rejected`), pairs as of LLMBar (`input`, `output_1`, `output_2`), and multiple choice as of the constitutional AI paper
(`corrects`, `incorrects`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from cai.data.rows import RawRow, prompt_of
from cai.data.transcripts import split_turns
from cai.errors import PromptSourceError
from cai.records import Comparison, Prompt, content_hash

Side = Literal["a", "b"]

WANTED = (
    'a row needs "prompt" with "response_a" and "response_b", or "chosen" and "rejected", or "input" with "output_1" '
    'and "output_2", or "prompt" with "corrects" and "incorrects"'
)
_TRUTH = ("right", "winner", "label")
_NAMES: dict[str, Side] = {
    **dict.fromkeys(("a", "1", "response_a", "output_1"), "a"),
    **dict.fromkeys(("b", "2", "response_b", "output_2"), "b"),
}
_OPTION = re.compile(r"^ *\(([A-Z])\) ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Given:
    """A comparison of a file; `right` is the answer that the file says is better, if it says.

    `number` is the line or row, from 1.
    """

    number: int
    comparison: Comparison
    right: Side | None


class _Pair(NamedTuple):
    """Values of a prompt as its own row would have them, and two answers. `named` answers keep their places."""

    prompt: Mapping[str, Any]
    a: str
    b: str
    right: Side | None
    named: bool


def given_of(row: RawRow, path: str, name: str, *, flat: bool = False) -> Given:
    """Make the comparison of one row.

    Where the columns do not say which answer is A, it is drawn from what they hold: the right one must not always be.

    Args:
        row: The row.
        path: The file as the user wrote it, for messages.
        name: The file's name, for the prompt's `source`.
        flat: The format has only texts (CSV).

    Raises:
        PromptSourceError: The row is no comparison; says where, why, and what to do.
    """
    where = f"{path}:{row.number}"
    form = next((form for columns, form in _FORMS.items() if set(columns) <= set(row.values)), None)
    if form is None:
        names = ", ".join(repr(str(key)) for key in list(row.values)[:8]) or "none"
        raise PromptSourceError(f"there is no comparison in this row; its columns are {names}", where=where, fix=WANTED)
    pair = form(row.values, where)
    prompt = prompt_of(RawRow(row.number, pair.prompt), path, name, flat=flat)
    for text in (pair.a, pair.b):
        if not text.strip():
            raise PromptSourceError("an answer is empty", where=where, fix="remove the row")
    comparison = Comparison(prompt, pair.a, pair.b, "imported")
    if not pair.named and _turned(prompt, pair):
        other: dict[Side | None, Side | None] = {"a": "b", "b": "a", None: None}
        return Given(row.number, comparison.swap(), other[pair.right])
    return Given(row.number, comparison, pair.right)


def _turned(prompt: Prompt, pair: _Pair) -> bool:
    return int(content_hash("order", prompt.id, *sorted((pair.a, pair.b))), 16) % 2 == int(pair.a > pair.b)


def _own(values: Mapping[str, Any], where: str) -> _Pair:
    first, second = (_answer(values[name], name, where) for name in ("response_a", "response_b"))
    return _Pair(_prompt_values(values), first, second, _right(values, where), named=True)


def _preference(values: Mapping[str, Any], where: str) -> _Pair:
    """`chosen` and `rejected`, beside a prompt, or as two conversations that differ in their last turn."""
    if values.get("prompt") or values.get("messages"):
        better, worse = (_answer(values[name], name, where) for name in ("chosen", "rejected"))
        return _Pair(_prompt_values(values), better, worse, "a", named=False)
    chosen, rejected = (_turns(values[name], name, where) for name in ("chosen", "rejected"))
    shared = [turn for turn, _ in takewhile(lambda both: both[0] == both[1], zip(chosen, rejected, strict=False))]
    if any(len(turns) != len(shared) + 1 or turns[-1]["role"] != "assistant" for turns in (chosen, rejected)):
        raise PromptSourceError(
            "chosen and rejected do not differ in their last answer alone",
            where=where,
            fix='put what both begin with into "prompt", or remove the row',
        )
    better, worse = (str(turns[-1]["content"]) for turns in (chosen, rejected))
    return _Pair({**_prompt_values(values), "messages": shared}, better, worse, "a", named=False)


def _llmbar(values: Mapping[str, Any], where: str) -> _Pair:
    asked = {**_prompt_values(values), "prompt": values["input"]}
    first, second = (_answer(values[name], name, where) for name in ("output_1", "output_2"))
    return _Pair(asked, first, second, _right(values, where), named=True)


def _choices(values: Mapping[str, Any], where: str) -> _Pair:
    """Multiple choice: letters stand for the options at the end of the prompt, anything else is the answer itself."""
    right, wrong = (_first(values[name], name, where) for name in ("corrects", "incorrects"))
    text = values.get("prompt")
    if not isinstance(text, str):
        raise PromptSourceError("prompt must be a text", where=where, fix="write the question with its options")
    letters = [re.fullmatch(r"\(?([A-Z])\)?", option.strip()) for option in (right, wrong)]
    if not all(letters):
        return _Pair({"prompt": text}, right, wrong, "a", named=False)
    asked, options = _options(text)
    try:
        better, worse = (options[letter[1]] for letter in letters if letter)
    except KeyError as error:
        raise PromptSourceError(
            f"the prompt has no option {error.args[0]}", where=where, fix="write options as ` (A) ...`, each on a line"
        ) from None
    return _Pair({"prompt": asked}, better, worse, "a", named=False)


def _options(text: str) -> tuple[str, dict[str, str]]:
    """The text before the last list of options, and the options by their letters.

    What follows the last option is the beginning of the reply (`The answer is:`), and no part of it.
    """
    marks = list(_OPTION.finditer(text))
    first = next((index for index in range(len(marks) - 1, -1, -1) if marks[index][1] == "A"), None)
    if first is None:
        return text, {}
    listed = marks[first:]
    ends = [mark.start() for mark in listed[1:]] + [len(text)]
    options = {mark[1]: text[mark.end() : end].strip() for mark, end in zip(listed, ends, strict=True)}
    last = listed[-1][1]
    options[last] = options[last].split("\n")[0].strip()
    return text[: listed[0].start()].strip(), options


_FORMS: dict[tuple[str, ...], Callable[[Mapping[str, Any], str], _Pair]] = {
    ("response_a", "response_b"): _own,
    ("chosen", "rejected"): _preference,
    ("input", "output_1", "output_2"): _llmbar,
    ("corrects", "incorrects"): _choices,
}
"""By the columns that a form must have; the first that fits is taken."""


def _prompt_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("messages", "prompt", "hazard", "tags") if values.get(name) is not None}


def _answer(value: Any, column: str, where: str) -> str:
    """A text, or a list with one message of the assistant."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        content = value[0].get("content")
        if value[0].get("role") == "assistant" and isinstance(content, str):
            return content
    fix = "write the answer as a text, or as a list of one assistant message"
    raise PromptSourceError(f"{column} is no answer", where=where, fix=fix)


def _turns(value: Any, column: str, where: str) -> list[dict[str, Any]]:
    if isinstance(value, str):
        try:
            return [turn.to_dict() for turn in split_turns(value)]
        except ValueError as error:
            fix = 'put the conversation before the answer into a column "prompt"'
            raise PromptSourceError(f"{column}: {error}", where=where, fix=fix) from None
    if not isinstance(value, list) or not all(
        isinstance(turn, Mapping) and {"role", "content"} <= set(turn) for turn in value
    ):
        raise PromptSourceError(f"{column} is no conversation", where=where, fix=WANTED)
    return [{"role": turn["role"], "content": turn["content"]} for turn in value]


def _first(value: Any, column: str, where: str) -> str:
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value[0]
    raise PromptSourceError(f"{column} must be a list of texts", where=where, fix="write at least one")


def _right(values: Mapping[str, Any], where: str) -> Side | None:
    """The answer that a column says is better; None if there is no such column, or it says nothing."""
    name = next((name for name in _TRUTH if values.get(name) not in (None, "")), None)
    if name is None:
        return None
    # Tables that once had a gap write 1 as 1.0.
    said = str(values[name]).strip().lower().removesuffix(".0")
    if said in ("tie", "equal", "none"):
        return None
    if said not in _NAMES:
        fix = 'write "a" or "b" (or 1, 2), or leave the column out'
        raise PromptSourceError(f"{name} does not name an answer: {str(values[name])[:40]!r}", where=where, fix=fix)
    return _NAMES[said]
