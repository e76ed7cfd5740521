"""The figures of trainings: curves, and how well a reward model ranks and knows how sure it is."""

from collections.abc import Sequence
from dataclasses import replace

import altair as alt

from cai.report.charts import (
    MOST_ROWS,
    ROW,
    Row,
    coloured,
    labels,
    named_rows,
    shaped,
    share_axis,
    share_scale,
    sized,
    values,
)
from cai.report.figures import Figure, number, share, table
from cai.report.hazards import NONE, hazard_name
from cai.report.palette import GOOD, HARM, HELP, MUTED, SOFT, WARM
from cai.report.training import Bin, Part, RewardFigures, Training
from cai.report.visible import visible

_SMOOTH = 0.9
_TRAIN, _HELD_OUT = "training, smoothed", "held out"
_LINES = {_TRAIN: HELP, _HELD_OUT: WARM}
_TOLD = 12
_TO_ONE = alt.Axis(format=".0%", title="accuracy", values=[0, 0.25, 0.5, 0.75, 1])


def curve(prefix: str, training: Training, metric: str, title: str) -> Figure:
    """One metric over the steps: each step thin, its running mean bold, held-out points apart."""
    own = training.curves.get(metric)
    held_out = training.curves.get(f"eval_{metric}")
    raw = own.kept if own else []
    smooth = _smoothed(raw)
    rows: list[Row] = [{"step": step, "value": value, "series": _TRAIN} for step, value in smooth]
    told = held_out.kept if held_out else []
    rows += [{"step": step, "value": value, "series": _HELD_OUT} for step, value in told]
    shares = metric == "accuracy"
    y = alt.Y(
        "value:Q",
        axis=share_axis() if shares else alt.Axis(title=None, tickCount=5),
        scale=alt.Scale(zero=False, nice=True),
    )
    x = alt.X("step:Q", axis=alt.Axis(title="step", tickCount=6, format=",d", grid=False), scale=alt.Scale(nice=False))
    thin = alt.Chart(values([{"step": s, "value": v} for s, v in raw])).mark_line(color=SOFT, strokeWidth=1)
    lines_here = {name: colour for name, colour in _LINES.items() if any(row["series"] == name for row in rows)}
    base = alt.Chart(values(rows)).encode(x=x, y=y, color=coloured("series", lines_here))
    bold = base.transform_filter(f"datum.series === {_TRAIN!r}").mark_line()
    points = base.transform_filter(f"datum.series === {_HELD_OUT!r}").mark_point(size=80, shape="diamond")
    chart = sized(alt.layer(thin.encode(x=x, y=y), bold, points), 230)
    say = share if shares else number
    first, last = (smooth[0][1], smooth[-1][1]) if smooth else (None, None)
    says = f"Training: {say(first)} at first, {say(last)} at the end (smoothed)."
    if told:
        says += f" Held out: {say(told[-1][1])}."
    lines = [(number(int(s)), say(v), "") for s, v in _some(smooth)]
    lines += [(number(int(s)), "", say(v)) for s, v in _some(told)]
    columns = ("step", _TRAIN, _HELD_OUT)
    return Figure(f"{prefix}{metric}", title, says, chart, table(columns, lines))


def _smoothed(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The running mean with weights that fall by `_SMOOTH` a point, corrected for its start."""
    found = []
    total = weight = 0.0
    for step, value in points:
        total = _SMOOTH * total + (1 - _SMOOTH) * value
        weight = _SMOOTH * weight + (1 - _SMOOTH)
        found.append((step, total / weight))
    return found


def _some(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A few points from the first to the last."""
    if len(points) <= _TOLD:
        return list(points)
    return [points[round(index * (len(points) - 1) / (_TOLD - 1))] for index in range(_TOLD)]


def reliability(prefix: str, found: RewardFigures) -> Figure:
    """How often the model is right where it says that it is so sure, before and after its temperature was fitted."""
    kinds = {"before": HARM, "after calibration": GOOD}
    parts = {"before": found.reliability_before, "after calibration": found.reliability}
    rows: list[Row] = [
        {"p": point.p, "accuracy": point.accuracy, "n": point.n, "series": name}
        for name, points in parts.items()
        for point in points
    ]
    low = 0.0 if any(min(row["p"], row["accuracy"]) < 0.5 for row in rows) else 0.5
    ends = [{"p": low, "accuracy": low}, {"p": 1.0, "accuracy": 1.0}]
    x = alt.X("p:Q", axis=share_axis("what the model says"), scale=share_scale(low))
    y = alt.Y("accuracy:Q", axis=share_axis("what is so"), scale=share_scale(low))
    diagonal = alt.Chart(values(ends)).mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 3]).encode(x=x, y=y)
    base = alt.Chart(values(rows)).encode(x=x, y=y, color=coloured("series", kinds))
    size = alt.Size("n:Q", scale=alt.Scale(range=[30, 260], zero=True), legend=None)
    chart = alt.layer(
        diagonal,
        base.mark_line(strokeWidth=1.5),
        base.mark_point().encode(size=size, shape=shaped("series", list(kinds))),
    )
    says = (
        f"Expected calibration error {number(found.ece_before)} before and {number(found.ece)} after a temperature of "
        f"{number(found.temperature, 2)} was fitted. On the dashed line the model is exactly as sure as it should be; "
        "larger points stand for more pairs."
    )
    lines = [(name, share(p.p), share(p.accuracy), number(p.n)) for name, points in parts.items() for p in points]
    columns = ("", "what the model says", "what is so", "pairs")
    return Figure(f"{prefix}reliability", "Calibration of the reward model", says, sized(chart), table(columns, lines))


def accuracy_by_hazard(prefix: str, parts: Sequence[Part]) -> Figure:
    """Ranking accuracy by the hazard of the prompt."""
    named = [replace(part, name=hazard_name(part.name or NONE)) for part in parts]
    return _accuracy_by(f"{prefix}accuracy-by-hazard", "Accuracy by hazard", "hazard", named)


def accuracy_by_length(prefix: str, parts: Sequence[Part]) -> Figure:
    """Ranking accuracy by how much longer the chosen answer is."""
    title = "Accuracy by difference in length"
    return _accuracy_by(f"{prefix}accuracy-by-length", title, "chosen minus rejected", parts)


def _accuracy_by(figure_id: str, title: str, first: str, parts: Sequence[Part]) -> Figure:
    named = labels([part.name for part in parts])
    rows: list[Row] = [
        {"name": named[part.name], "value": part.accuracy, "text": f"{share(part.accuracy)} of {part.n:,}"}
        for part in parts[:MOST_ROWS]
        if part.accuracy is not None
    ]
    base = alt.Chart(values(rows)).encode(
        y=named_rows(limit=150), x=alt.X("value:Q", axis=_TO_ONE, scale=share_scale(0, 1.35))
    )
    chart = alt.layer(
        base.mark_bar(color=HELP, height={"band": 0.6}),
        base.mark_text(align="left", dx=5, color=MUTED, fontSize=11).encode(text="text:N"),
    )
    lines = [(visible(part.name), share(part.accuracy), number(part.n)) for part in parts]
    says = "How often the reward model ranks a held-out pair as its label does."
    return Figure(
        figure_id, title, says, sized(chart, 60 + ROW * len(rows)), table((first, "accuracy", "pairs"), lines)
    )


def has_reliability(found: RewardFigures) -> bool:
    """Whether there is anything to draw."""
    bins: tuple[Bin, ...] = found.reliability + found.reliability_before
    return bool(bins)
