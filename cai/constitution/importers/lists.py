"""Plain lists of rules: bullets or numbers, in Markdown or in a text.

Headings above a list become tags. In a prompt that has its constitution in a fenced block of that name, only the
block is read. An item that asks for a choice between answers is taken as a comparison question, any other as a
statement.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from cai.constitution.importers.base import Found, Rule, Source, cleaned
from cai.constitution.importers.naming import slug
from cai.errors import ConstitutionError

_ITEM = re.compile(r"(?P<indent>\s*)(?:[-*+\u2022\u2013]|\(?\d{1,3}[.)])\s+(?P<text>\S.*)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<text>.*?)[\s#]*")
_FENCE = re.compile(r"\s*(?:```+|~~~+)\s*(?P<info>[^`]*)")
_NAMED = re.compile(r"constitution|principles|rules", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_CHOICE = re.compile(
    r"(?:please\s+)?(?:choose|select|pick|compare)\b|which\s+(?:of\b|answer|response|assistant|one)"
    r"|(?:please\s+)?consider\s+these\b.*\bchoose\b",
    re.IGNORECASE,
)


class _Item(NamedTuple):
    line: int
    heading: str
    lines: list[str]


class ListsImporter:
    """One rule an item; items below an item belong to it."""

    format: ClassVar[str] = "lists"
    about: ClassVar[str] = "bullet or numbered lists, in Markdown or plain text"

    def recognises(self, source: Source) -> bool:
        return source.data is None and any(_ITEM.fullmatch(line) for line in source.text.splitlines())

    def read(self, source: Source) -> Found:
        lines = _block(source.text)
        items = list(_items(lines))
        if not items:
            fix = "write each rule as a line that begins with `- `"
            raise ConstitutionError("there is no list in this file", where=source.name, fix=fix)
        text = sum(bool(line.strip()) and not _is_frame(line) for line in source.text.splitlines())
        around = text - sum(len(item.lines) for item in items)
        dropped = (f"{around} lines of text that belong to no item of the list",) if around else ()
        return Found(tuple(map(_rule, items)), dropped)


def _is_frame(line: str) -> bool:
    return bool(_HEADING.fullmatch(line) or _FENCE.fullmatch(line))


def _block(text: str) -> list[tuple[int, str]]:
    """The lines that may hold rules, with their numbers: those of a fenced constitution, or all outside of fences."""
    plain: list[tuple[int, str]] = []
    named: list[tuple[int, str]] = []
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.fullmatch(line)
        if fence:
            inside = fence["info"] if inside is None else None
        elif inside is None:
            plain.append((number, line))
        elif _NAMED.search(inside):
            named.append((number, line))
    return named if any(_ITEM.fullmatch(line) for _, line in named) else plain


def _items(lines: list[tuple[int, str]]) -> Iterator[_Item]:
    heading, indent, blank = "", 0, False
    item: _Item | None = None
    for number, line in lines:
        begins, over = _ITEM.fullmatch(line), _HEADING.fullmatch(line)
        depth = len(line) - len(line.lstrip())
        if over:
            heading = over["text"]
        elif begins and (item is None or depth <= indent):
            if item:
                yield item
            item, indent = _Item(number, heading, [begins["text"]]), depth
            blank = False
            continue
        elif item and line.strip() and (depth > indent or not blank):
            item.lines.append(begins["text"] if begins else line.strip())
            blank = False
            continue
        blank = not line.strip()
        # A blank line may stand between the items of one list; other text ends it.
        if item and not blank:
            yield item
            item = None
    if item:
        yield item


def _rule(item: _Item) -> Rule:
    text = cleaned(" ".join(_EMPHASIS.sub(r"\2", " ".join(item.lines)).split()))
    tag = slug(item.heading, words=3) if item.heading else ""
    where, tags = f"line {item.line}", (tag,) if tag else ()
    if _CHOICE.match(text):
        return Rule(where, comparison_question=text, tags=tags)
    return Rule(where, statement=text, tags=tags)
