"""The prompt library: text of prompts from Jinja files, rendered in a sandbox.

A template is text; words of users, models and constitutions only ever enter it as values. Each file names its variables
in its first comment, and loading checks that it uses exactly those. What a template may do is in `template_language`.
Nothing here knows stages or engines.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jinja2 import Template, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError

from cai.errors import TemplateError
from cai.template_language import BUDGET, Budget, PromptEnvironment, restricted

Form = Literal["chat", "transcript"]

MAX_TEMPLATE_BYTES = 64 * 1024
MAX_RENDERED_CHARS = 1_000_000
_HEADER = re.compile(r"\A\{#-?\s*variables:([^#]*?)-?#\}\n?")


class _Entry(NamedTuple):
    path: Path
    template: Template
    variables: frozenset[str]
    digest: str


class PromptLibrary:
    """The templates of one form, loaded, checked and ready to render.

    Args:
        root: Folder with `<stage>/<name>.<form>.jinja` files.
        form: `chat` or `transcript`.
        fallback: Folder for the templates that `root` does not have.
    """

    def __init__(self, root: Path, form: Form, fallback: Path | None = None) -> None:
        if not root.is_dir():
            raise TemplateError(
                "there is no folder of prompts", where=str(root), fix="name one with generate.prompts_dir"
            )
        self.root = root
        self.form: Form = form
        environment = PromptEnvironment()
        self._entries: dict[str, _Entry] = {}
        for folder in (fallback, root) if fallback else (root,):
            for path in sorted(folder.glob(f"*/*.{form}.jinja")):
                name = f"{path.parent.name}/{path.name.removesuffix(f'.{form}.jinja')}"
                self._entries[name] = _compile(environment, _read(path), path)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all templates, such as `critique/single_turn`."""
        return tuple(self._entries)

    @property
    def texts(self) -> tuple[str, ...]:
        """The templates as they lie in their files."""
        return tuple(_read(entry.path) for entry in self._entries.values())

    def fingerprint(self) -> str:
        """Hash of every template's text."""
        digests = sorted((name, entry.digest) for name, entry in self._entries.items())
        return hashlib.sha256(repr(digests).encode()).hexdigest()[:16]

    def expect(self, name: str, offered: Iterable[str]) -> None:
        """Check before a run that a template can be rendered with the values that it will be given.

        Raises:
            TemplateError: There is no such template, or it wants a value that is not offered.
        """
        values = sorted(offered)
        unknown = sorted(self._entry(name).variables - set(values))
        if unknown:
            raise TemplateError(
                f"asks for {', '.join(unknown)}, but is given {', '.join(values) or 'no values'}",
                where=f"{self._entry(name).path}:1",
                fix="use only the values that it is given",
            )

    def render(self, name: str, **values: Any) -> str:
        """Render a template.

        Raises:
            TemplateError: There is no such template, a value is missing, or the result is over a million characters.
        """
        entry = self._entry(name)
        template, where = entry.template, str(entry.path)
        try:
            return _bounded(template.generate, values, where)
        except UndefinedError as error:
            raise TemplateError(f"a value is missing: {error.message}", where=where) from error
        except SecurityError as error:
            raise TemplateError(f"refused: {error.message}", where=where) from error
        except (TemplateRuntimeError, TypeError, LookupError, ValueError, ArithmeticError, RecursionError) as error:
            raise TemplateError(f"cannot be rendered: {error}", where=where) from error

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            fix = f"this folder has {', '.join(self.names) or 'no template of this form'}"
            raise TemplateError(
                "there is no such template", where=str(self.root / f"{name}.{self.form}.jinja"), fix=fix
            )
        return entry


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"cannot be read: {error}", where=str(path)) from error
    if len(raw) > MAX_TEMPLATE_BYTES:
        raise TemplateError(f"is {len(raw)} bytes long, over {MAX_TEMPLATE_BYTES}", where=str(path), fix="shorten it")
    return text


def _compile(environment: PromptEnvironment, source: str, path: Path) -> _Entry:
    header = _HEADER.match(source)
    if header is None:
        raise TemplateError(
            "does not begin with a comment that names its variables",
            where=f"{path}:1",
            fix="begin it with {# variables: a, b #}",
        )
    declared = {name.strip() for name in header.group(1).split(",") if name.strip()}
    try:
        tree = restricted(environment.parse(source), str(path))
        used = meta.find_undeclared_variables(tree)
        template = environment.from_string(tree)
    except TemplateSyntaxError as error:
        raise TemplateError(f"is not valid Jinja: {error.message}", where=f"{path}:{error.lineno}") from error
    except (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, RecursionError, SyntaxError) as error:
        # Constants are worked out while compiling; nesting is what Python's own compiler may refuse.
        raise TemplateError(f"cannot be compiled: {error}", where=str(path)) from error
    if used != declared:
        missing, idle = sorted(used - declared), sorted(declared - used)
        problem = [f"uses {', '.join(missing)} without declaring it"] if missing else []
        problem += [f"declares {', '.join(idle)} without using it"] if idle else []
        raise TemplateError("; ".join(problem), where=f"{path}:1", fix="correct the variables comment")
    return _Entry(path, template, frozenset(used), hashlib.sha256(source.encode()).hexdigest())


def _bounded(generate: Callable[..., Iterator[str]], values: dict[str, Any], where: str) -> str:
    parts: list[str] = []
    size = 0
    for part in generate({**values, BUDGET: Budget()}):
        size += len(part)
        if size > MAX_RENDERED_CHARS:
            raise TemplateError(f"renders to over {MAX_RENDERED_CHARS} characters", where=where)
        parts.append(part)
    return "".join(parts).strip("\n")
