"""A model's chat template, rendered so that the template's own text and the text of messages stay apart.

Each message content is replaced by a placeholder that nobody can guess; the rendered text is then cut at the
placeholders. Knows nothing of tokens.
"""

import datetime
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cai.engines.base import ChatPrompt
from cai.errors import EngineError, RequestError
from cai.records import Message

TEMPLATE_DATE = datetime.datetime(2024, 7, 26, tzinfo=datetime.UTC)
"""What `strftime_now` tells templates: a fixed day, so that a repeated run sends the same prompts."""

_MAX_CHARS = 4_000_000
"""Longest output of a template, contents not counted: a template that loops is stopped here."""


class Segment(NamedTuple):
    """A stretch of the rendered prompt. `trusted` text was written by the template, the rest came from outside."""

    text: str
    trusted: bool


class _GenerationBlocks(Extension):
    """`{% generation %}` marks what is trained on; here its body is simply rendered."""

    tags = {"generation"}  # noqa: RUF012  (jinja2 declares it so)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """One compiled template.

    Args:
        source: The Jinja text.
        special_tokens: What the template sees as `bos_token`, `eos_token` and so on.
        where: Where the template was found, for errors.

    Raises:
        EngineError: The template is not valid Jinja.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str], where: str) -> None:
        self._special_tokens = dict(special_tokens)
        self._where = where
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise EngineError(
                f"the model's chat template is not valid: {error}", where=where, fix="repair the template"
            ) from error

    def segments(self, prompt: ChatPrompt) -> tuple[Segment, ...]:
        """The rendered prompt, cut where text of the messages begins and ends.

        A prefill is placed where the template puts the text of an assistant turn, and what would follow it is cut off;
        where the template cannot do that, it follows the template's generation prompt.

        Raises:
            RequestError: The template refuses these messages, for example for the order of their roles.
        """
        if prompt.prefill:
            started = self._continued(prompt)
            if started is not None:
                return started
        marked = _Marked(prompt.messages)
        segments = marked.cut(self._render(marked.messages, generation_prompt=True))
        return (*segments, Segment(prompt.prefill, False)) if prompt.prefill else tuple(segments)

    def answered(self, messages: tuple[Message, ...], answer: str) -> tuple[Segment, ...]:
        """The rendered conversation with the assistant's answer as its last turn, and all that the template adds.

        Raises:
            RequestError: The template refuses these messages.
        """
        marked = _Marked((*messages, Message("assistant", answer)))
        return tuple(marked.cut(self._render(marked.messages, generation_prompt=False)))

    def _continued(self, prompt: ChatPrompt) -> tuple[Segment, ...] | None:
        marked = _Marked((*prompt.messages, Message("assistant", prompt.prefill)))
        try:
            text = self._render(marked.messages, generation_prompt=False)
        except RequestError:
            return None
        end = marked.end_of_last(text)
        if end is None:
            return None
        tail = prompt.prefill[len(prompt.prefill.rstrip()) :]
        segments = marked.cut(text[:end])
        return (*segments, Segment(tail, False)) if tail else tuple(segments)

    def _render(self, messages: list[dict[str, str]], *, generation_prompt: bool) -> str:
        variables = {
            **self._special_tokens,
            "messages": messages,
            "tools": None,
            "documents": None,
            "add_generation_prompt": generation_prompt,
        }
        parts: list[str] = []
        size = 0
        try:
            for part in self._template.generate(variables):
                parts.append(part)
                size += len(part)
                if size > _MAX_CHARS:
                    raise RequestError("the chat template writes without end", where=self._where)
        except jinja2.TemplateError as error:
            raise RequestError(
                f"the chat template refuses these messages: {error}",
                where=self._where,
                fix="check the order of the roles, and whether the model knows a system turn",
            ) from error
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, OverflowError) as error:
            raise RequestError(
                f"the chat template failed: {type(error).__name__}: {error}", where=self._where
            ) from error
        return "".join(parts)


class _Marked:
    """Messages whose contents are placeholders, and the way back.

    Only the text between the outer white space of a content is replaced: the white space itself goes through the
    template, so that templates which strip or trim it do so. The placeholder has no letters, so that changing case
    leaves it alone. Empty contents stay empty, for templates that ask whether there is any.
    """

    def __init__(self, messages: tuple[Message, ...]) -> None:
        nonce = "".join(secrets.choice("0123456789") for _ in range(38))
        self._cores: list[str] = []
        self._pattern = re.compile(f"\ue000{nonce}\ue001([0-9]+)\ue002")
        self.messages: list[dict[str, str]] = []
        for index, message in enumerate(messages):
            core = message.content.strip()
            content = message.content
            if core:
                lead = content[: len(content) - len(content.lstrip())]
                tail = content[len(content.rstrip()) :]
                content = f"{lead}\ue000{nonce}\ue001{index}\ue002{tail}"
            self._cores.append(core)
            self.messages.append({"role": message.role, "content": content})

    def cut(self, text: str) -> list[Segment]:
        """Segments in order; empty ones left out."""
        segments: list[Segment] = []
        done = 0
        for match in self._pattern.finditer(text):
            segments.append(Segment(text[done : match.start()], True))
            segments.append(Segment(self._cores[int(match[1])], False))
            done = match.end()
        segments.append(Segment(text[done:], True))
        return [segment for segment in segments if segment.text]

    def end_of_last(self, text: str) -> int | None:
        """Where the last message's content ends in `text`; None if the template left it out."""
        last = len(self._cores) - 1
        ends = [match.end() for match in self._pattern.finditer(text) if int(match[1]) == last]
        return ends[-1] if ends else None


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, autoescape=False, extensions=[_GenerationBlocks, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = TEMPLATE_DATE.strftime
    return environment


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without the HTML escapes of Jinja's own filter, as templates are written for."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
