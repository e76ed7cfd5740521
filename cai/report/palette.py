"""Colours and the look that all charts share.

A chart names a colour by its light value, which the drawing library knows; the page replaces it by the CSS variable of
that name, of which `style.css` has a light and a dark value. Colours are told apart by people who see no red or green;
shapes tell the same.
"""

from typing import Any

INK = "#1b1f24"
MUTED = "#5b6472"
LINE = "#dcd8cf"
SOFT = "#b9c3c9"
HARM = "#bf3b1f"
GOOD = "#0b7a63"
HELP = "#2563a8"
WARM = "#a86a00"
VIOLET = "#7a4fa3"

VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    SOFT: "var(--soft)",
    HARM: "var(--harm)",
    GOOD: "var(--good)",
    HELP: "var(--help)",
    WARM: "var(--warm)",
    VIOLET: "var(--violet)",
}

SERIES = (MUTED, WARM, HELP, GOOD, VIOLET, HARM)
"""For models and other names, in the order in which they come."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")

WIDTH = 420
"""Of every drawing, in its own units: narrow, so that its text can still be read on a phone."""
HEIGHT = 250

_TEXT = 12
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
"""The first three are equally wide, so that what the drawing library measured fits wherever the page is read."""

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "labelFontSize": _TEXT,
        "titleFontSize": _TEXT,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 5,
        "tickSize": 4,
        "labelLimit": 170,
    },
    "axisX": {"labelFlush": False},
    "axisYQuantitative": {"domain": False, "ticks": False},
    "axisXDiscrete": {"grid": False},
    "axisYDiscrete": {"grid": False, "domain": False, "ticks": False},
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelColor": INK,
        "labelFontSize": _TEXT,
        "labelLimit": 190,
        "symbolStrokeWidth": 2,
        "symbolSize": 70,
        "symbolOpacity": 1,
        "columnPadding": 14,
        "rowPadding": 3,
        "offset": 8,
        "padding": 0,
    },
    "header": {"labelColor": INK, "labelFontSize": _TEXT, "titleColor": MUTED, "title": None},
    "line": {"strokeWidth": 2.25},
    "point": {"size": 55, "filled": True, "opacity": 1},
    "text": {"color": INK, "fontSize": _TEXT},
}
