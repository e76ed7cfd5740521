"""Loads a YAML file into a pydantic model, and turns what pydantic says into places, key paths and plain words.

Everything that is wrong with a file is reported at once, first line first. Nothing here knows a particular model. A
validator that checks several values can point at one of them: `PydanticCustomError(kind, text, {"at": [path, ...]})`,
relative to the value that it validates.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cai.errors import CaiError, StorageError
from cai.yaml_source import KeyPath, Place, Problem, YamlSource, key_path, read_yaml, shortened

MAX_LISTED = 25

M = TypeVar("M", bound=BaseModel)
Check = Callable[[YamlSource], Iterable[Problem]]


def load_yaml_model(path: Path, model: type[M], error: type[CaiError], check: Check | None = None) -> M:
    """Read and validate a file.

    Args:
        path: The file.
        model: What it must hold; validated strictly, so that the text `"3"` is no number.
        error: Class of the error to raise, one of `cai.errors`.
        check: Looks at the data as read, for problems that the model alone would report too late.

    Raises:
        error: With every problem of the file, one a line, each as `file:line:col: key path ... (fix)`.
        StorageError: The file is there but cannot be read.
    """
    return validate_source(read_source(path, error), model, error, check)


def read_source(path: Path, error: type[CaiError]) -> YamlSource:
    """Read a file without validating it; its own problems are kept in the source.

    Raises:
        error: There is no such file.
        StorageError: The file is there but cannot be read.
    """
    try:
        return read_yaml(path)
    except (FileNotFoundError, IsADirectoryError) as gone:
        what = "this is a folder" if isinstance(gone, IsADirectoryError) else "there is no such file"
        raise error(what, where=str(path), fix="check the path; it is taken from the current folder") from gone
    except OSError as failed:
        raise StorageError(f"the file cannot be read: {failed.strerror}", where=str(path)) from failed


def validate_source(source: YamlSource, model: type[M], error: type[CaiError], check: Check | None = None) -> M:
    """The same for a source that was read already, and perhaps changed by overrides."""
    problems = list(source.problems)
    if source.data is None:
        if not problems:
            problems.append(Problem(Place(source.name), "the file is empty", "see the shipped files for a pattern"))
        raise as_error(problems, error)
    try:
        # Through JSON, where strict validation still takes a list for a tuple.
        value = model.model_validate_json(json.dumps(source.data), strict=True)
    except ValidationError as invalid:
        words = _Words(source, model.model_json_schema())
        problems += [words.problem(item) for item in _told_apart(invalid.errors(include_url=False))]
        value = None
    problems += check(source) if check else ()
    if problems or value is None:
        raise as_error(problems, error)
    return value


def _told_apart(items: Sequence[Any]) -> list[Any]:
    """Without those that only follow from others: a list counts as too short when its items are wrong."""
    places = [item["loc"] for item in items]
    return [
        item
        for item in items
        if item["type"] != "too_short"
        or not any(len(place) > len(item["loc"]) and place[: len(item["loc"])] == item["loc"] for place in places)
    ]


def as_error(problems: Iterable[Problem], error: type[CaiError]) -> CaiError:
    """One error for all problems, sorted by place; the first gives `where`, and `fix` if it is alone."""
    first, *rest = sorted(set(problems), key=lambda p: (p.place, p.what))
    if not rest:
        return error(first.what, where=str(first.place), fix=first.fix)
    lines = [str(problem) for problem in (first, *rest)]
    left = len(lines) - MAX_LISTED
    shown = lines[:MAX_LISTED] + ([f"and {left} more"] if left > 0 else [])
    return error("\n".join(shown).removeprefix(f"{first.place}: "), where=str(first.place))


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that was probably meant, or None."""
    by_form = {_form(candidate): candidate for candidate in words}
    found = get_close_matches(_form(shortened(word)), by_form, n=1, cutoff=0.6)
    return by_form[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str], kind: str) -> str:
    """`did you mean X?`, or the list of what there is."""
    known = list(words)
    best = nearest(word, known)
    return f"did you mean `{best}`?" if best else f"{kind}: {', '.join(known) or 'none'}"


def _form(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


class _Words:
    """Turns one pydantic error into a `Problem`."""

    def __init__(self, source: YamlSource, schema: dict[str, Any]) -> None:
        self._source = source
        self._schema = schema

    def problem(self, item: Any) -> Problem:
        context: dict[str, Any] = item.get("ctx", {})
        path = (*self._path(item["loc"], item["type"]), *context.get("at", ()))
        name = f"`{key_path(path)}`"
        kind: str = item["type"]
        if kind == "extra_forbidden":
            return Problem(self._source.place_of_key(path), f"{name} is not a known key", self._right_key(path))
        place = self._source.place_of(path)
        if kind == "missing":
            return Problem(place, f"{name} is missing", "add it")
        if kind in ("literal_error", "enum", "union_tag_invalid"):
            return self._choice(place, path, item)
        if kind == "union_tag_not_found":
            return Problem(place, f"`{key_path((*path, 'kind'))}` is missing", "add it, to say which kind this is")
        if "error" in context:
            return Problem(place, f"{name}: {context['error']}" if path else str(context["error"]))
        said = _plain(kind, context, item["input"]) or f": {item['msg']}"
        fix = "put it in quotes" if kind == "string_type" and isinstance(item["input"], int | float) else None
        return Problem(place, name + said, fix)

    def _path(self, loc: tuple[str | int, ...], kind: str) -> KeyPath:
        """Key path in the data for pydantic's `loc`, which also names the branches of unions."""
        path: list[str | int] = []
        here = self._source.data
        for index, part in enumerate(loc):
            absent = kind == "missing" and index == len(loc) - 1
            if absent or _holds(here, part):
                path.append(part)
                here = _step(here, part)
        return tuple(path)

    def _choice(self, place: Place, path: KeyPath, item: Any) -> Problem:
        if item["type"] == "union_tag_invalid":
            path = (*path, item["ctx"]["discriminator"].strip("'"))
            place = self._source.place_of(path)
            given, expected = item["ctx"]["tag"], item["ctx"]["expected_tags"]
        else:
            given, expected = str(item["input"]), item["ctx"]["expected"]
        choices = [word.strip("' ") for word in expected.replace(" or ", ", ").split(", ")]
        best = nearest(given, choices)
        what = f"`{key_path(path)}` is {_shown(given)}, but it can only be {_either(choices)}"
        return Problem(place, what, f"did you mean `{best}`?" if best else None)

    def _right_key(self, path: KeyPath) -> str:
        given = str(path[-1])
        fields = self._fields(path[:-1])
        best = nearest(given, fields)
        if best:
            return f"did you mean `{best}`?"
        deeper = [name for name in fields if given in self._fields((*path[:-1], name))]
        if deeper:
            return f"did you mean `{key_path((*path[:-1], deeper[0], given))}`?"
        return f"known keys here: {', '.join(fields) or 'none'}"

    def _fields(self, path: KeyPath) -> list[str]:
        """Keys that the model knows at `path`, by walking its JSON Schema."""
        node: Any = self._schema
        data = self._source.data
        for part in path:
            node = self._resolve(node, data)
            data = _step(data, part)
            node = (
                node.get("items")
                if isinstance(part, int)
                else node.get("properties", {}).get(part) or node.get("additionalProperties")
            )
            if not isinstance(node, dict):
                return []
        return list(self._resolve(node, data).get("properties", {}))

    def _resolve(self, node: dict[str, Any], data: Any) -> dict[str, Any]:
        """Follow references, and the branch of a union that the data chose or the only one with keys."""
        while True:
            if "$ref" in node:
                node = self._schema["$defs"][node["$ref"].rpartition("/")[2]]
            elif "discriminator" in node:
                chosen = _step(data, node["discriminator"]["propertyName"])
                branches = node["discriminator"]["mapping"]
                if chosen not in branches:
                    return {}
                node = {"$ref": branches[chosen]}
            elif "anyOf" in node or "oneOf" in node:
                node = self._branch(node.get("anyOf") or node["oneOf"], data)
            else:
                return node

    def _branch(self, branches: list[dict[str, Any]], data: Any) -> dict[str, Any]:
        """The branch that the data seem to mean: a list for a list, else the one that knows most of the keys."""
        present = [branch for branch in branches if branch.get("type") != "null"]
        if isinstance(data, list):
            present = [branch for branch in present if branch.get("type") == "array"] or present
        keys = set(data) if isinstance(data, dict) else set()
        return max(present, key=lambda branch: len(keys & self._properties(branch).keys()), default={})

    def _properties(self, branch: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in branch:
            branch = self._schema["$defs"][branch["$ref"].rpartition("/")[2]]
        found: dict[str, Any] = branch.get("properties", {})
        return found


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _step(data: Any, part: str | int) -> Any:
    return data[part] if _holds(data, part) else None


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
    "model_attributes_type": "a group of keys",
}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


def _plain(kind: str, context: dict[str, Any], given: Any) -> str | None:
    if kind in _WANTED:
        return f" should be {_WANTED[kind]}, not {_shown(given)}"
    if kind in _BOUNDS:
        key, word = _BOUNDS[kind]
        return f" should be {word} {_number(context[key])}, not {_shown(given)}"
    if kind == "too_short":
        return f" needs at least {context['min_length']}, but has {context['actual_length']}"
    if kind == "string_too_short":
        return " is empty"
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a group of keys" if isinstance(value, dict) else "a list"
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{shortened(str(value))}`"


def _number(value: float) -> str:
    return f"{value:g}"


def _either(choices: list[str]) -> str:
    quoted = [f"`{choice}`" for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
