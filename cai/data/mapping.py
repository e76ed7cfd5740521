"""Rows with columns and names of others, into rows with ours. It knows no file format and makes no prompts.

A source says what its columns are called (`columns`), what its authors and hazards are called (`roles`, `hazards`), and
what holds for all its rows (`hazard`, `tags`). Everything else is as `rows.py` wants it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cai.config.prompts import ColumnsConfig, SourceConfig
from cai.constitution.taxonomy import taxonomy
from cai.data.rows import OPTIONAL_COLUMNS, PROMPT_COLUMNS, RawRow
from cai.errors import PromptSourceError
from cai.records import Prompt
from cai.yaml_model import did_you_mean, nearest

_ABSENT = object()


class RowMapping:
    """What the rows of one source mean.

    Args:
        config: The source's settings.

    Raises:
        PromptSourceError: They name a hazard that the taxonomy does not have.
    """

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        columns = config.columns
        self._prompt = next((name for name in PROMPT_COLUMNS if getattr(columns, name) is not None), None)
        self._other = {name: path for name in OPTIONAL_COLUMNS if (path := getattr(columns, name)) is not None}
        self._unseen = {path: name for name, path in self._other.items()}
        check_hazards([name for name in (*config.hazards.values(), config.hazard) if name], config.path)

    def pick(self, names: Sequence[str]) -> Sequence[str]:
        """The columns that are needed, of those that there are."""
        columns = self._config.columns
        mapped = PROMPT_COLUMNS if self._prompt is None else (getattr(columns, self._prompt),)
        prompts = _with_heads(mapped)
        others = _with_heads(getattr(columns, name) or name for name in OPTIONAL_COLUMNS)
        # With none that could be a prompt, every name is needed for the message that helps.
        return [name for name in names if name in prompts | others] if prompts & set(names) else names

    def row(self, row: RawRow, where: str, *, flat: bool) -> RawRow:
        """The row in our columns.

        Args:
            row: The row as it was read.
            where: Its place, for messages.
            flat: The format has only texts, so a list of messages is JSON in a text.

        Raises:
            PromptSourceError: The column that holds the prompt is not there.
        """
        values = dict(row.values)
        if self._prompt is not None:
            path = getattr(self._config.columns, self._prompt)
            found = _found(row.values, path)
            if found is _ABSENT:
                raise _no_column(path, self._prompt, row.values, where)
            values = {name: value for name, value in values.items() if name not in PROMPT_COLUMNS}
            values[self._prompt] = found
        for name, path in self._other.items():
            found = _found(row.values, path)
            values[name] = None if found is _ABSENT else found
            if found is not _ABSENT:
                self._unseen.pop(path, None)
        for name in ("messages", "prompt"):
            if name in values:
                values[name] = self._conversation(values[name], name, where, flat=flat)
        if "hazard" in values:
            values["hazard"] = self._hazard(values["hazard"])
        return RawRow(row.number, values)

    def tagged(self, prompt: Prompt) -> Prompt:
        """The prompt with what holds for all prompts of the source."""
        hazard = prompt.hazard or self._config.hazard
        added = tuple(tag for tag in self._config.tags if tag not in prompt.tags)
        return replace(prompt, hazard=hazard, tags=(*prompt.tags, *added)) if added or hazard else prompt

    def check_seen(self) -> None:
        """After the last row: every column that was named is in some row.

        Raises:
            PromptSourceError: One is in none.
        """
        for path, name in self._unseen.items():
            raise PromptSourceError(
                f"no row has the column {path!r}",
                where=self._config.path,
                fix=f"correct columns.{name}, or leave it out",
            )

    def _hazard(self, value: Any) -> Any:
        names = self._config.hazards
        if isinstance(value, int) and names:
            # YAML and JSON keys are texts; the labels of a data set may be numbers.
            value = str(value)
        return names.get(value, value) if isinstance(value, str) else value

    def _conversation(self, value: Any, name: str, where: str, *, flat: bool) -> Any:
        config = self._config
        if config.columns == ColumnsConfig() and not config.roles and not config.drop_answer:
            return value
        if flat and name == "messages" and isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return value
        if not isinstance(value, list):
            return value
        turns = [self._turn(item, f"{name}[{index}]", where) for index, item in enumerate(value)]
        if config.drop_answer:
            last = max((index for index, turn in enumerate(turns) if _role(turn) == "user"), default=len(turns))
            turns = turns[: last + 1]
        return turns

    def _turn(self, item: Any, place: str, where: str) -> Any:
        if not isinstance(item, Mapping):
            return item
        columns = self._config.columns
        for wanted in (columns.role, columns.content):
            if wanted not in item:
                known = ", ".join(repr(str(key)) for key in item) or "nothing"
                raise PromptSourceError(
                    f"{place} has no {wanted!r}, but {known}",
                    where=where,
                    fix="correct columns.role and columns.content",
                )
        role = item[columns.role]
        return {"role": self._config.roles.get(role, role) if isinstance(role, str) else role} | {
            "content": item[columns.content]
        }


def check_hazards(names: Sequence[str], where: str) -> None:
    """Hazards that settings name are in the taxonomy.

    Raises:
        PromptSourceError: One is not.
    """
    for name in names:
        if name not in taxonomy().by_id:
            fix = did_you_mean(name, taxonomy().ids, "hazards")
            raise PromptSourceError(f"there is no hazard {name!r}", where=where, fix=fix)


def _with_heads(paths: Iterable[str]) -> set[str]:
    """Paths, and the columns in which they begin."""
    return {name for path in paths for name in (path, path.partition(".")[0])}


def _role(turn: Any) -> Any:
    return turn.get("role") if isinstance(turn, Mapping) else None


def _found(values: Mapping[str, Any], path: str) -> Any:
    """What is at a path; `_ABSENT` if there is no such column, item or key."""
    if path in values:
        return values[path]
    here: Any = values
    for part in path.split("."):
        if isinstance(here, Mapping) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return _ABSENT
    return here


def _paths(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield str(name)
        if isinstance(value, Mapping):
            yield from (f"{name}.{key}" for key in value)
        if isinstance(value, list) and value:
            yield f"{name}.0"


def _no_column(path: str, name: str, values: Mapping[str, Any], where: str) -> PromptSourceError:
    known = list(_paths(values))
    best = nearest(path, known)
    names = ", ".join(repr(column) for column in list(values)[:8]) or "none"
    fix = f"set columns.{name} to {best!r}" if best else f"correct columns.{name}"
    return PromptSourceError(f"there is no column {path!r} in this row; its columns are {names}", where=where, fix=fix)
