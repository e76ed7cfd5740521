"""What a prompt template may do: a small part of Jinja, in which every rendering ends soon and stays small.

A template may print values, loop over them, decide, name a value, look into it, and use a few filters. It cannot call,
calculate, join texts but with `join`, or reach another file. The parsed tree is checked against a list of what is
allowed, so that nothing new in Jinja is allowed by itself. Nothing here knows files or stages.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cai.errors import TemplateError

MAX_WORK = 1_000_000
"""Parts of a template that one rendering may run through; a loop's turn counts each part in its body."""
MAX_JOINED_CHARS = 1_000_000
MAX_DEPTH = 64
"""How deep a template's parts may lie in each other."""
BUDGET = " budget"
"""Name under which a rendering is given its `Budget`; no template can spell it."""

_TURNS = " turns"
_ALLOWED: frozenset[type[nodes.Node]] = frozenset(
    [
        *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.Name, nodes.Const),
        *(nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
        *(nodes.CondExpr, nodes.Dict, nodes.Pair),
    ]
)


class Budget:
    """The work that is left to one rendering."""

    def __init__(self) -> None:
        self._left = MAX_WORK

    def spend(self, work: int) -> None:
        """Take some of it.

        Raises:
            TemplateRuntimeError: There is not enough left.
        """
        self._left -= work
        if self._left < 0:
            raise TemplateRuntimeError(f"it takes over {MAX_WORK} steps")


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox without globals or tests, with a few filters, in which a missing value is an error."""

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=False,
            autoescape=False,
            finalize=_printable,
        )
        self.globals.clear()
        self.tests.clear()
        self.filters = {**_FILTERS, _TURNS: _turns}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Plain attributes of values only: no methods."""
        return not callable(value) and super().is_safe_attribute(obj, attr, value)


def restricted(tree: nodes.Template, where: str) -> nodes.Template:
    """Check a parsed template, and let each loop spend from the budget.

    Raises:
        TemplateError: A part is not allowed; says which and in which line.
    """
    below: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while below:
        node, depth = below.pop()
        problem = "it is nested too deeply" if depth > MAX_DEPTH else _problem(node)
        if problem:
            raise TemplateError(
                f"refused: {problem}",
                where=f"{where}:{node.lineno}",
                fix="print values, use for, if, set, and the filters " + ", ".join(_FILTERS),
            )
        below.extend((child, depth + 1) for child in node.iter_child_nodes())
    for loop in list(tree.find_all(nodes.For)):
        size = 1 + sum(1 for _ in loop.find_all(nodes.Node))
        loop.iter = nodes.Filter(loop.iter, _TURNS, [nodes.Const(size)], [], None, None, lineno=loop.lineno)
    return tree


def _problem(node: nodes.Node) -> str | None:
    if type(node) not in _ALLOWED:
        return f"{type(node).__name__} is not allowed in prompt templates"
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        return f"there is no filter {node.name!r} in prompt templates"
    if isinstance(node, nodes.For) and node.recursive:
        return "a loop must not be recursive"
    # The name under which Jinja hands a template itself to itself.
    if isinstance(node, nodes.Name) and node.name == "self":
        return "self is not allowed in prompt templates"
    # Values within values can grow without bound when they are named again and again.
    if isinstance(node, nodes.Pair) and not (isinstance(node.key, nodes.Const) and isinstance(node.value, nodes.Const)):
        return "a table in braces may hold constants only"
    return None


def _printable(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Undefined):
        return str(value)
    raise TemplateRuntimeError(f"a {type(value).__name__} cannot be printed: print its parts")


@pass_context
def _turns(context: Context, items: Iterable[Any], size: int) -> Sequence[Any]:
    """The items of a loop whose body has `size` parts, paid for."""
    found = items if isinstance(items, Sequence) else list(items)
    _budget(context).spend(len(found) * size)
    return found


def _budget(context: Context) -> Budget:
    return cast("Budget", context.resolve(BUDGET))


def _on_text(change: Callable[[str], str]) -> Callable[[Context, Any], str]:
    @pass_context
    def changed(context: Context, value: Any) -> str:
        if not isinstance(value, str):
            raise TemplateRuntimeError(f"a filter for text was given a {type(value).__name__}")
        _budget(context).spend(1 + len(value) // 10)
        return change(value)

    return changed


def _join(items: Iterable[Any], separator: str = "") -> str:
    texts = [str(_printable(item)) for item in items]
    if sum(map(len, texts)) + len(texts) * len(separator) > MAX_JOINED_CHARS:
        raise TemplateRuntimeError(f"join would make over {MAX_JOINED_CHARS} characters")
    return separator.join(texts)


@pass_context
def _paid_join(context: Context, items: Iterable[Any], separator: str = "") -> str:
    joined = _join(items, separator)
    _budget(context).spend(1 + len(joined) // 10)
    return joined


def _end(index: int) -> Callable[[Any], Any]:
    def taken(value: Any) -> Any:
        if not isinstance(value, Sequence) or not value:
            raise TemplateRuntimeError("first and last need a text or a list that is not empty")
        return value[index]

    return taken


_FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": _on_text(str.capitalize),
    "first": _end(0),
    "join": _paid_join,
    "last": _end(-1),
    "length": len,
    "lower": _on_text(str.lower),
    "trim": _on_text(str.strip),
    "upper": _on_text(str.upper),
}
