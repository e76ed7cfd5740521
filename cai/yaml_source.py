"""Reads a YAML file into plain data and remembers where every key and value stands.

The reader is safe and small on purpose: UTF-8, at most 1 MiB, one document, plain scalars, no aliases, no tags, no
duplicate keys. Dates, `yes` and `no` stay text, and `1e-4` is a number (YAML 1.2, not 1.1). It must not know what the
data means: that is for `cai.yaml_model`.
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.events import AliasEvent, NodeEvent

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 64
MAX_QUOTED = 60

KeyPath = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
# C0 and C1 control characters but tab and line ends, and halves of surrogate pairs (an escape can write one).
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Place(NamedTuple):
    """Where something stands: `file:line:column`, counted from 1; line 0 means the source as a whole."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Problem(NamedTuple):
    """One thing that is wrong with a source, and what to do about it. Problems sort by place."""

    place: Place
    what: str
    fix: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" + (f" ({self.fix})" if self.fix else "")


@dataclass(slots=True)
class YamlSource:
    """What was read. `keys` and `values` give the place of each key and value by its key path.

    With `problems`, `data` holds what could be read all the same, so that everything can be reported at once.
    """

    name: str
    data: Any = None
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place_of(self, path: KeyPath) -> Place:
        """Place of the value at `path`, or of the nearest thing around it that is in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return Place(self.name)

    def place_of_key(self, path: KeyPath) -> Place:
        """Place of the key itself, for problems with its name."""
        return self.keys.get(path, self.place_of(path))


def read_yaml(path: Path) -> YamlSource:
    """Read a file. Problems are collected in the result, never raised.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    source = YamlSource(str(path))
    if len(raw) > MAX_BYTES:
        fix = "the limit is 1 MiB; is this the right file?"
        source.problems.append(Problem(Place(source.name), "the file is too large", fix))
        return source
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        source.problems.append(Problem(_place_in(source.name, before), "the file is not UTF-8", "save it as UTF-8"))
        return source
    return _read(text, source)


def parse_yaml(text: str, name: str) -> YamlSource:
    """The same for text that is no file, such as a value on the command line; `name` stands in its places."""
    return _read(text, YamlSource(name))


def _read(text: str, source: YamlSource) -> YamlSource:
    found = _CONTROL.search(text)
    if found:
        place = _place_in(source.name, text[: found.start()])
        source.problems.append(Problem(place, _control_text(found[0]), "delete it"))
        return source
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        source.problems.append(_syntax_problem(source.name, error))
        return source
    except (ValueError, OverflowError):
        # PyYAML turns \U escapes and version directives into numbers without looking at their size.
        mark = loader.get_mark()
        place = Place(source.name, mark.line + 1, mark.column + 1)
        source.problems.append(Problem(place, "an escape or a directive is out of range", "remove it"))
        return source
    finally:
        loader.dispose()
    for mark in loader.tagged:
        place = Place(source.name, mark.line + 1, mark.column + 1)
        source.problems.append(Problem(place, "tags (`!name`) are not read", "remove it, and quote text"))
    if node is not None:
        source.data = _convert(node, (), source)
    source.values.setdefault((), Place(source.name, 1, 1))
    return source


class _Loader(yaml.SafeLoader):
    """PyYAML's composer: every scalar is text, no aliases, a bound on depth (it calls itself for each level)."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (the base class declares the type)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tagged: list[Any] = []
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Any = event.start_mark
        if isinstance(event, AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="the values are nested too deeply", problem_mark=mark)
        if isinstance(event, NodeEvent) and getattr(event, "tag", None) is not None:
            self.tagged.append(mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _convert(node: yaml.Node, path: KeyPath, source: YamlSource) -> Any:
    place = _place(source.name, node)
    source.values[path] = place
    if isinstance(node, yaml.ScalarNode):
        text = _clean(node.value, place, source)
        return text if node.style else plain_scalar(text)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(child, (*path, index), source) for index, child in enumerate(node.value)]
    return _mapping(node, path, source)


def _mapping(node: yaml.Node, path: KeyPath, source: YamlSource) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = _place(source.name, key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            source.problems.append(Problem(place, "a key must be plain text", "write `name: value`"))
            continue
        key = _clean(key_node.value, place, source)
        if key in data:
            first = source.keys[*path, key]
            what = f"`{key_path((*path, key))}` is given twice"
            source.problems.append(Problem(place, what, f"the first is in line {first.line}; keep one"))
            continue
        source.keys[*path, key] = place
        data[key] = _convert(value_node, (*path, key), source)
    return data


def plain_scalar(text: str) -> str | int | float | bool | None:
    """YAML 1.2's core types for a scalar without quotes; infinities, not-a-number and endless digits stay text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > MAX_NUMBER_LENGTH:
        return text
    if _INT.match(text):
        return int(text)
    number = float(text) if _FLOAT.match(text) else math.inf
    return number if math.isfinite(number) else text


def _clean(text: str, place: Place, source: YamlSource) -> str:
    found = _CONTROL.search(text)
    if found:
        source.problems.append(Problem(place, _control_text(found[0]), "an escape in the text makes it; delete it"))
        return _CONTROL.sub("?", text)
    return text


def key_path(path: KeyPath) -> str:
    """`("principles", 3, "id")` as `principles[3].id`; the top level is `(top level)`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in path)
    return text.removeprefix(".") or "(top level)"


def shortened(text: str) -> str:
    """Text of a file as a message may quote it."""
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 3]}..."


def _place(name: str, node: yaml.Node) -> Place:
    return Place(name, node.start_mark.line + 1, node.start_mark.column + 1)


def _place_in(name: str, before: str) -> Place:
    return Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _control_text(character: str) -> str:
    return f"there is a control character (U+{ord(character):04X})"


def _syntax_problem(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    problem = str(error.problem or "cannot be read")
    for start, what, fix in _SYNTAX_WORDS:
        if problem.startswith(start):
            return Problem(place, what, fix)
    return Problem(place, f"this is not YAML: {problem}", "check the indentation, colons and quotes just before here")


_SYNTAX_WORDS = (
    ("aliases", "aliases (`*name`) are not read", "write the value out"),
    ("the values are nested", f"the values are nested more than {MAX_DEPTH} levels deep", "make them flatter"),
    ("mapping values are not allowed", "a second colon in the line", "put the text in quotes, or write it under `>-`"),
    ("but found another document", "there is a second document", "keep one; remove the line `---`"),
    ("found character '\\t'", "there is a tab in the indentation", "indent with spaces"),
    ("could not find expected ':'", "a key without a colon", "write `name: value`"),
)
