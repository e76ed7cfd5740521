"""What is drawn holds text as text, and nothing that could act or be loaded."""

import re
from html.parser import HTMLParser
from typing import Any

import altair as alt
import pytest

from cai.report.charts import coloured, sized, values
from cai.report.palette import HARM, HELP, VARIABLES
from cai.report.svg import drawn
from cai.report.visible import visible

HOSTILE = '</text></svg><script>alert(1)</script>"\'&]]><img src=x onerror=alert(2)>\x1b\u202e\x00\ufffe id="clip5"'


class Reader(HTMLParser):
    """What a browser would see: elements, attributes and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def chart(name: str) -> Any:
    rows = [{"name": name, "value": 2, "kind": name}, {"name": "other", "value": 1, "kind": "other"}]
    made = alt.Chart(values(rows)).mark_bar(cornerRadiusEnd=4)
    return sized(
        made.encode(
            x=alt.X("value:Q", axis=alt.Axis(title=name)),
            y="name:N",
            color=coloured("kind", {name: HARM, "other": HELP}),
            href="name:N",
            description="name:N",
        )
    )


@pytest.fixture(scope="module")
def svg() -> str:
    return drawn(chart(visible(HOSTILE)), "fig-x", HOSTILE.replace("\x00", "").replace("\ufffe", ""), "desc <b>")


def test_text_stays_text(svg: str) -> None:
    read = Reader(svg)
    assert "script" not in read.elements and "img" not in read.elements
    assert any(text.startswith("</text></svg><script>") for text in read.texts)
    assert "desc <b>" in read.texts


def test_only_what_draws_is_left(svg: str) -> None:
    read = Reader(svg)
    allowed = {"svg", "title", "desc", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clippath"}
    assert set(read.elements) <= allowed
    for name, value in read.attributes:
        assert not name.startswith("on") and name not in ("style", "href", "xlink:href", "src", "class")
        assert value is not None and "javascript" not in value


def test_ids_are_those_of_the_figure_alone(svg: str) -> None:
    attributes = Reader(svg).attributes
    ids = [value for name, value in attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert all(value is not None and value.startswith("fig-x-") for value in ids)
    used = {match[1] for _, value in attributes for match in [re.fullmatch(r"url\(#(.*)\)", value or "")] if match}
    assert used <= set(ids)


def test_a_reader_of_the_screen_is_told_title_and_description(svg: str) -> None:
    attributes = dict(Reader(svg[: svg.index(">") + 1]).attributes)
    assert attributes["role"] == "img" and attributes["aria-labelledby"] == "fig-x-title fig-x-desc"
    assert "viewbox" in attributes and "width" not in attributes


def test_colours_are_variables_of_the_page(svg: str) -> None:
    assert "var(--harm)" in svg and "var(--help)" in svg
    assert not [colour for colour in VARIABLES if colour in svg.lower()]
