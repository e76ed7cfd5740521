"""Writes an imported constitution as YAML for people: what was taken, what was made here, what was left out.

Every text reads back exactly as it was; `cai.constitution.importers.build` checks that before anything is written.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from cai.constitution.importers.base import TEXTS, Rule
from cai.constitution.schema import Constitution, Principle
from cai.yaml_source import plain_scalar

WIDTH = 116
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ ,.'()/;!?-]*")
_FOLDABLE = re.compile(r"\S(?:[^\s]| (?=\S))*")
_BREAKS = {"\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P"}


def commented_yaml(constitution: Constitution, rules: Mapping[str, Rule], heading: Sequence[str]) -> str:
    """The text of a constitution file.

    Args:
        constitution: What it is to hold.
        rules: The rule of each principle, by the principle's id.
        heading: Paragraphs of comment at the top.
    """
    lines = [*_comment(heading), "", *_field("name", constitution.name, 0), f"version: {constitution.version}"]
    lines += _field("description", constitution.description, 0) + _field("source", constitution.source, 0)
    lines += ["changelog:"] if constitution.changelog else []
    for change in constitution.changelog:
        lines += [f"  - version: {change.version}", *_field("note", change.note, 4)]
    lines += ["", "principles:"]
    for principle in constitution.principles:
        lines += _principle(principle, rules[principle.id])
    return "\n".join(lines).rstrip() + "\n"


def _comment(paragraphs: Sequence[str]) -> Iterator[str]:
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield "#"
        yield from textwrap.wrap(_printable(paragraph), WIDTH, initial_indent="# ", subsequent_indent="# ")


def _principle(principle: Principle, rule: Rule) -> Iterator[str]:
    yield f"  # {_printable(rule.where)}"
    yield f"  - id: {principle.id if _stays_text(principle.id) else _quoted(principle.id)}"
    if principle.hazards:
        yield f"    hazards: [{', '.join(principle.hazards)}]  # guessed from words in the texts"
    if principle.tags:
        yield f"    tags: {json.dumps(principle.tags)}"
    if principle.applies_to.stages:
        yield f"    applies_to: {{stages: [{', '.join(principle.applies_to.stages)}]}}"
    taken = [name for name in TEXTS if name in rule.taken]
    made = [name for name in TEXTS if name not in rule.taken]
    yield "    # From the source, word for word."
    for name in taken:
        yield from _field(name, getattr(principle, name), 4)
    if made:
        yield "    # Not in the source: made on import. Reword it."
        for name in made:
            yield from _field(name, getattr(principle, name), 4)
    yield ""


def _field(name: str, text: str, indent: int) -> list[str]:
    begin = " " * indent + f"{name}:"
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and len(begin) + len(text) < WIDTH and _stays_text(text):
        return [f"{begin} {text}"]
    if _FOLDABLE.fullmatch(text) and not any(mark in text for mark in _BREAKS):
        inner = " " * (indent + 2)
        folded = textwrap.wrap(text, WIDTH - len(inner), break_long_words=False, break_on_hyphens=False)
        return [f"{begin} >-", *(inner + line for line in folded)]
    return [f"{begin} {_quoted(text)}"]


def _stays_text(text: str) -> bool:
    return isinstance(plain_scalar(text), str)


def _quoted(text: str) -> str:
    """In double quotes, where YAML reads the escapes of JSON; what it would take for a line break is one too."""
    quoted = json.dumps(text, ensure_ascii=False)
    for mark, escape in _BREAKS.items():
        quoted = quoted.replace(mark, escape)
    return quoted


def _printable(text: str) -> str:
    """Text of a source as a comment can hold it: on one line."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
