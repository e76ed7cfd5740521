"""The report in a real browser, from the disk: nothing runs, nothing is loaded, every figure can be seen."""

from collections.abc import Iterator
from typing import Any

import pytest

from cai.report.page import Report

pytestmark = pytest.mark.browser

WIDTHS = {"wide": 1280, "phone": 390}


class Visit:
    """One opened page, and all that happened on it."""

    def __init__(self, browser: Any, report: Report, width: int, scheme: str = "light") -> None:
        self.address = report.path.resolve().as_uri()
        self.console: list[str] = []
        self.requests: list[str] = []
        self.refused: list[tuple[str, str | None]] = []
        self.dialogs: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.refused.append((request.url, request.failure)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(self.address)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(expression)


@pytest.fixture(params=["hostile", "kind"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visit(browser: Any, reports: dict[str, Report]) -> Iterator[Any]:
    """Opens pages, and closes them afterwards."""
    opened: list[Visit] = []

    def go(name: str, width: str = "wide", scheme: str = "light") -> Visit:
        opened.append(Visit(browser, reports[name], WIDTHS[width], scheme))
        return opened[-1]

    yield go
    for one in opened:
        one.context.close()


def test_nothing_runs_and_nothing_is_loaded(name: str, visit: Any) -> None:
    seen = visit(name)
    assert seen.console == [] and seen.dialogs == []
    assert seen.requests == [seen.address]
    assert seen.ask("typeof window.hit") == "undefined"
    assert seen.ask("document.querySelectorAll('script, img, iframe, object, embed, link, base, form').length") == 0
    handlers = "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on')))"
    assert seen.ask(f"{handlers}.length") == 0
    assert seen.ask("[...document.links].every(a => a.getAttribute('href').startsWith('#'))")


def test_the_policy_stops_what_a_template_might_let_through(visit: Any) -> None:
    seen = visit("kind")
    seen.ask(
        """() => {
          const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s);
          const i = document.createElement('img'); i.src = 'https://example.org/x.png'; document.body.append(i);
          document.body.setAttribute('style', 'display: none');
        }"""
    )
    assert seen.ask("typeof window.hit") == "undefined"
    assert seen.ask("getComputedStyle(document.body).display") == "block"
    assert seen.refused == [("https://example.org/x.png", "csp")]
    assert len(seen.console) == 3 and all("Content Security Policy" in message for message in seen.console)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_can_be_seen(name: str, width: str, visit: Any, reports: dict[str, Report]) -> None:
    seen = visit(name, width)
    boxes = seen.ask(
        """[...document.querySelectorAll('figure')].map(f => {
          const box = f.querySelector('svg').getBoundingClientRect();
          const count = selector => f.querySelectorAll(selector).length;
          return [f.id, box.width, box.height, count('svg text'), count('tbody tr')];
        })"""
    )
    assert [box[0] for box in boxes] == list(reports[name].figures)
    for figure, wide, high, texts, rows in boxes:
        assert wide > 250 and high > 60, figure
        assert texts > 1 and rows > 0, figure


def test_texts_are_shown_as_they_are(visit: Any) -> None:
    seen = visit("hostile")
    body = seen.ask("document.body.innerText")
    assert "<script>window.hit = 1; alert(1)</script>" in body
    assert "⟨U+001B⟩[31m" in body and "⟨U+202E⟩dcba⟨U+2066⟩⟨U+0000⟩" in body
    labels = seen.ask("[...document.querySelectorAll('svg text')].map(t => t.textContent).join()")
    assert "<script>" in labels
    assert seen.ask("document.title").startswith("<script>")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(name: str, width: str, visit: Any) -> None:
    seen = visit(name, width)
    assert seen.ask("document.documentElement.scrollWidth") == WIDTHS[width]
    # Open tables as well.
    seen.ask("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert seen.ask("document.documentElement.scrollWidth") == WIDTHS[width]


def test_the_text_of_figures_can_be_read_on_a_phone(visit: Any) -> None:
    scales = visit("kind", "phone").ask(
        "[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)"
    )
    assert min(scales) > 0.75


def test_dark_and_light_differ_in_page_and_figures(visit: Any) -> None:
    paints = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('svg text')).fill]"
    )
    light, dark = (visit("kind", scheme=scheme).ask(paints) for scheme in ("light", "dark"))
    assert light[0] != dark[0] and light[1] != dark[1]
    assert "rgb(0, 0, 0)" not in (light[1], dark[1])


def test_a_mark_is_where_the_change_is(visit: Any) -> None:
    seen = visit("kind")
    marks = seen.ask("[...document.querySelectorAll('.story del, .story ins')].map(m => m.textContent)")
    assert "I cannot help" in " ".join(marks) and "Of course" in " ".join(marks)
    assert not [mark for mark in marks if mark != mark.strip()]
