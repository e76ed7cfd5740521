"""A chart as inline SVG: drawn by vl-convert, then rebuilt from an allow-list of elements and attributes.

Text stays text. What is rebuilt has no script, no link, no style attribute and no id that another drawing could share;
colours become CSS variables, so that a page decides them, light or dark. A screen reader is told title and
description; the marks themselves are hidden from it, since the table beside each figure says the same.
"""

import re
from typing import Any
from xml.etree import ElementTree as Xml

import vl_convert
from markupsafe import Markup

from cai.report.palette import CONFIG, VARIABLES

_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = {"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clipPath"}
_ATTRIBUTES = {
    *("x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "width", "height", "d", "transform"),
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-dashoffset"),
    *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "display", "clip-path", "clip-rule"),
    *("text-anchor", "dominant-baseline", "font-size", "font-weight", "font-style", "id", "viewBox"),
}
_PAINTS = ("fill", "stroke")
_LOCAL = re.compile(r"url\(#([A-Za-z0-9_-]+)\)")


def drawn(chart: Any, name: str, title: str, description: str) -> Markup:
    """Draw a chart.

    Args:
        chart: An Altair chart. Its texts must have passed through `visible`: the library ends the process on control
            characters.
        name: Unique on the page; ids inside the drawing begin with it.
        title: For a screen reader.
        description: For a screen reader.
    """
    # No address is allowed: a chart carries its own numbers.
    source = vl_convert.vegalite_to_svg(chart.to_dict(), config=CONFIG, allowed_base_urls=[])
    old = Xml.fromstring(source)  # noqa: S314 (it was drawn here a moment ago)
    new = _rebuilt(old, name)
    for size in ("width", "height"):
        new.attrib.pop(size, None)
    new.set("role", "img")
    new.set("aria-labelledby", f"{name}-title {name}-desc")
    for child in new:
        child.set("aria-hidden", "true")
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        told = Xml.Element(tag, {"id": f"{name}-{tag}"})
        told.text = text
        new.insert(index, told)
    return Markup(Xml.tostring(new, encoding="unicode", short_empty_elements=False))  # noqa: S704 (escaped by the line itself)


def _rebuilt(old: Xml.Element, name: str) -> Xml.Element:
    new = Xml.Element(_local(old.tag))
    for key, value in old.attrib.items():
        if key not in _ATTRIBUTES:
            continue
        new.set(key, _value(key, value, name))
    new.text = old.text if new.tag in ("text", "tspan") else None
    for child in old:
        if _local(child.tag) in _ELEMENTS and not _draws_nothing(child):
            new.append(_rebuilt(child, name))
    return new


def _value(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    local = _LOCAL.fullmatch(value)
    if local:
        return f"url(#{name}-{local[1]})"
    return VARIABLES.get(value.lower(), value) if key in _PAINTS else value


def _draws_nothing(element: Xml.Element) -> bool:
    """Empty paths, with which Vega frames every group."""
    return _local(element.tag) == "path" and (element.get("d") in ("", "M0,0h0v0h0Z"))


def _local(tag: str) -> str:
    return tag.removeprefix(f"{{{_SVG}}}")
