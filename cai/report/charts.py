"""Parts of charts that several figures share: size, scales, names on axes. Every text must come through `label`."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from cai.report.palette import HEIGHT, INK, MUTED, SERIES, SHAPES, SOFT, WIDTH
from cai.report.visible import in_one_line

ROW = 24
"""Height of one row of a chart that lists names."""
MOST_ROWS = 20
_LABEL = 60

Row = dict[str, Any]
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart


def sized(chart: Drawing, height: int = HEIGHT) -> Drawing:
    """Give a chart the width that all have."""
    return chart.properties(width=WIDTH, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding"))


def values(rows: Sequence[Row]) -> alt.InlineData:
    """Rows as the data of a chart."""
    return alt.InlineData(values=list(rows))


def label(text: str) -> str:
    """A name for an axis or a legend."""
    return in_one_line(text, _LABEL) or "(no name)"


def labels(names: Sequence[str]) -> dict[str, str]:
    """A label for each name, all different, though names may begin alike."""
    found: dict[str, str] = {}
    for name in names:
        text = label(name)
        taken = set(found.values())
        again = 2
        while text in taken:
            text = f"{label(name)} ({again})"
            again += 1
        found[name] = text
    return found


def share_axis(title: str | None = None, **options: Any) -> alt.Axis:
    """Per cent."""
    return alt.Axis(format=".0%", title=title, tickCount=5, **options)


def share_scale(low: float = 0.0, high: float = 1.0) -> alt.Scale:
    """From nothing to all, or a part of it."""
    return alt.Scale(domain=[low, high], nice=False)


def coloured(field: str, colours: Mapping[str, str], *, legend: bool = True) -> alt.Color:
    """A colour for each name, in the order given."""
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        sort=None,
        legend=alt.Legend() if legend else None,
    )


def shaped(field: str, names: Sequence[str]) -> alt.Shape:
    """A shape for each name, for those who cannot tell the colours apart."""
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(names))]
    return alt.Shape(f"{field}:N", scale=alt.Scale(domain=list(names), range=shapes), sort=None, legend=alt.Legend())


def series(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name; of more names than there are colours some share one, and their shapes differ."""
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(names)}


def named_rows(field: str = "name", limit: int = 170) -> alt.Y:
    """Names down the left side, in the order of the data."""
    return alt.Y(f"{field}:N", sort=None, axis=alt.Axis(title=None, labelColor=INK, labelLimit=limit))


def part_bars(rows: Sequence[Row], colour: str, unit: str) -> Drawing:
    """How many, and how many of them: a wide bar of `whole` with one of `part` in it, and `text` at its end.

    Args:
        rows: Each with `name`, `whole`, `part` and `text`.
        colour: Of the part.
        unit: What is counted.
    """
    most = max((row["whole"] for row in rows), default=1) or 1
    base = alt.Chart(values(rows)).encode(y=named_rows(limit=170))
    axis = alt.Axis(title=unit, tickCount=4, format=",d")
    scale = alt.Scale(domain=[0, most * 1.28], nice=False)
    whole = base.mark_bar(color=SOFT, height={"band": 0.72}).encode(x=alt.X("whole:Q", axis=axis, scale=scale))
    part = base.mark_bar(color=colour, height={"band": 0.36}).encode(x=alt.X("part:Q"))
    text = base.mark_text(align="left", dx=5, color=MUTED, fontSize=11).encode(x=alt.X("whole:Q"), text="text:N")
    return sized(alt.layer(whole, part, text), 60 + ROW * len(rows))


def interval_rows(rows: Sequence[Row], axis: alt.Axis, scale: alt.Scale, colours: Mapping[str, str]) -> Drawing:
    """A point on each row with the range around it, and a wider, thinner one if there is any.

    Args:
        rows: Each with `name`, `series`, `middle`, `low` and `high`; perhaps `lowest` and `highest`. A name that comes
            again in another series gets a line of its own within its row.
        axis: Of the values.
        scale: Of the values.
        colours: By series.
    """
    base = alt.Chart(values(rows)).encode(y=named_rows(), color=coloured("series", colours, legend=False))
    point = base.mark_point(size=70)
    if len({row["name"] for row in rows}) < len(rows):
        order = list(colours)
        base = base.encode(
            yOffset=alt.YOffset("series:N", sort=order, scale=alt.Scale(domain=order)),
            color=coloured("series", colours),
        )
        point = base.mark_point(size=70).encode(shape=shaped("series", order))
    thin = base.mark_rule(strokeWidth=1.5).encode(x="lowest:Q", x2="highest:Q")
    thick = base.mark_rule(strokeWidth=6, opacity=0.45).encode(x="low:Q", x2="high:Q")
    wide = any(row.get("lowest") is not None for row in rows)
    return alt.layer(*([thin] if wide else []), thick, point.encode(x=alt.X("middle:Q", axis=axis, scale=scale)))
