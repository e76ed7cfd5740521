"""The figures of an evaluation: outcome by model, helpfulness against harmlessness, win rates, collapse."""

import math
from collections.abc import Sequence
from itertools import pairwise

import altair as alt

from cai.report.charts import (
    MOST_ROWS,
    ROW,
    Row,
    coloured,
    label,
    labels,
    named_rows,
    series,
    shaped,
    share_axis,
    share_scale,
    sized,
    values,
)
from cai.report.evaluation import COLLAPSE, Evaluation, ModelFigures
from cai.report.figures import Figure, change, number, share, table
from cai.report.hazards import hazard_name, with_id
from cai.report.palette import HARM, HELP, INK, LINE, MUTED, WARM
from cai.report.visible import visible
from cai.report.words import moved

_OUTCOMES = {
    "harmful answers": ("harm_rate", HARM),
    "harmless refused": ("over_refusal_rate", WARM),
    "harmless answered": ("benign_answered_rate", HELP),
}
_PLANE = (352, 250)
_EDGE = 2.5
"""Multiples of the baseline are drawn up to here."""


def by_stage(prefix: str, found: Evaluation) -> Figure:
    """Harm, over-refusal and answered harmless requests of each model."""
    named = labels([model.name for model in found.models])
    rows: list[Row] = [
        {"at": named[model.name], "series": name, "value": model.get(key), "text": share(model.get(key))}
        for model in found.models
        for name, (key, _) in _OUTCOMES.items()
        if model.get(key) is not None
    ]
    order = list(_OUTCOMES)
    base = alt.Chart(values(rows)).encode(
        x=alt.X("at:N", sort=None, axis=alt.Axis(title=None, labelAngle=0, labelColor=INK, labelLimit=110)),
        xOffset=alt.XOffset("series:N", sort=order, scale=alt.Scale(domain=order)),
        y=alt.Y("value:Q", axis=share_axis(), scale=share_scale()),
    )
    bars = base.mark_bar().encode(color=coloured("series", {name: colour for name, (_, colour) in _OUTCOMES.items()}))
    told = base.mark_text(dy=-7, fontSize=11, color=MUTED).encode(text="text:N")
    few = len(found.models) <= 3
    columns = ("model", "harmful", "refused of harmful", "harmless answered", "harmless refused", "prompts", "reward")
    lines = [
        (
            visible(model.name),
            *(share(model.get(k)) for k in ("harm_rate", "refusal_rate", "benign_answered_rate", "over_refusal_rate")),
            number(model.prompts),
            number(model.get("reward"), 2),
        )
        for model in found.models
    ]
    chart = sized(alt.layer(bars, *([told] if few else [])), 270)
    return Figure(f"{prefix}by-stage", "Harm and over-refusal by stage", _outcome(found), chart, table(columns, lines))


def _outcome(found: Evaluation) -> str:
    first, last = found.base or found.models[0], found.models[-1]
    if first is last:
        return f"Harmful answers: {share(last.get('harm_rate'))} of harmful prompts."
    return (
        f"From {visible(first.name)} to {visible(last.name)}, harmful answers "
        f"{moved(first.get('harm_rate'), last.get('harm_rate'))}; harmless requests answered "
        f"{moved(first.get('benign_answered_rate'), last.get('benign_answered_rate'))}, refused "
        f"{moved(first.get('over_refusal_rate'), last.get('over_refusal_rate'))}."
    )


def placed(found: Evaluation) -> list[tuple[ModelFigures, float, float]]:
    """The models of which both are known: (model, share of harmless answers, share of answered harmless requests)."""
    rows = []
    for model in found.models:
        harm, answered = model.get("harm_rate"), model.get("benign_answered_rate")
        if harm is not None and answered is not None:
            rows.append((model, 1 - harm, answered))
    return rows


def plane(prefix: str, found: Evaluation) -> Figure:
    """Each model as a point: to the right is harmless, up is helpful; arrows lead from each model to the next."""
    points = placed(found)
    named = labels([model.name for model, _, _ in points])
    colours = series(list(named.values()))
    rows: list[Row] = [
        {"name": named[model.name], "x": x, "y": y, "side": 1 if index % 2 else -1}
        for index, (model, x, y) in enumerate(points)
    ]
    width, height = _PLANE
    base = alt.Chart(values(rows)).encode(
        x=alt.X("x:Q", axis=share_axis("harmless answers to harmful prompts"), scale=share_scale()),
        y=alt.Y("y:Q", axis=share_axis("harmless requests answered"), scale=share_scale()),
    )
    dots = base.mark_point(size=110).encode(color=coloured("name", colours), shape=shaped("name", list(named.values())))
    chart = alt.layer(*_arrows(rows), dots).properties(width=width, height=height)
    says = "The best model would stand at the top right. Arrows lead from each model to the one after it."
    lines = [(visible(model.name), share(x), share(y)) for model, x, y in points]
    columns = ("model", "harmless answers to harmful prompts", "harmless requests answered")
    return Figure(f"{prefix}plane", "Helpfulness and harmlessness", says, chart, table(columns, lines))


def _arrows(rows: Sequence[Row]) -> list[alt.Chart]:
    width, height = _PLANE
    lines: list[Row] = []
    heads: list[Row] = []
    for start, end in pairwise(rows):
        dx, dy = (end["x"] - start["x"]) * width, (end["y"] - start["y"]) * height
        length = math.hypot(dx, dy)
        if length < 24:
            continue
        # The head stops short of the point, so that both can be seen.
        short = (length - 9) / length
        tip = {"x": start["x"] + short * dx / width, "y": start["y"] + short * dy / height}
        lines.append({"x": start["x"], "y": start["y"], "x2": tip["x"], "y2": tip["y"]})
        heads.append({**tip, "angle": math.degrees(math.atan2(dx, dy))})
    if not lines:
        return []
    shaft = alt.Chart(values(lines)).mark_rule(color=MUTED, strokeWidth=1.5).encode(x="x:Q", y="y:Q", x2="x2", y2="y2")
    head = (
        alt.Chart(values(heads))
        .mark_point(shape="triangle", color=MUTED, size=60)
        .encode(x="x:Q", y="y:Q", angle=alt.Angle("angle:Q", scale=None))
    )
    return [shaft, head]


def harm_by_hazard(prefix: str, found: Evaluation) -> Figure:
    """Harmful answers by hazard, a point a model."""
    names = sorted({name for model in found.models for name in model.by_hazard})
    hazard = labels([hazard_name(name) for name in names])
    named = labels([model.name for model in found.models])
    rows: list[Row] = [
        {"name": hazard[hazard_name(name)], "series": named[model.name], "value": model.by_hazard[name]}
        for name in names[:MOST_ROWS]
        for model in found.models
        if model.by_hazard.get(name) is not None
    ]
    chart = (
        alt.Chart(values(rows))
        .mark_point(size=70)
        .encode(
            x=alt.X("value:Q", axis=share_axis("harmful answers"), scale=share_scale()),
            y=named_rows(),
            color=coloured("series", series(list(named.values()))),
            shape=shaped("series", list(named.values())),
        )
    )
    last = found.models[-1]
    known = [(value, name) for name, value in last.by_hazard.items() if value is not None]
    says = "Harmful answers to harmful prompts, by hazard."
    if known and max(known)[0] > 0:
        worst, name = max(known)
        says += f" The hazard where {visible(last.name)} is weakest is {hazard_name(name)} ({share(worst)})."
    lines = [(with_id(name), *(share(model.by_hazard.get(name)) for model in found.models)) for name in names]
    columns = ("hazard", *(visible(model.name) for model in found.models))
    height = 80 + ROW * min(len(names), MOST_ROWS)
    return Figure(f"{prefix}harm-by-hazard", "Harm by hazard", says, sized(chart, height), table(columns, lines))


def collapse(prefix: str, found: Evaluation) -> Figure:
    """Signs of collapse as multiples of the baseline's."""
    base = found.base
    named = labels([model.name for model in found.models])
    rows: list[Row] = []
    for model in found.models:
        for key, name in COLLAPSE.items():
            own, before = model.collapse.get(key), base.collapse.get(key) if base else None
            if own is not None and before:
                rows.append({"name": name, "series": named[model.name], "value": own / before})
    ratios = [row["value"] for row in rows]
    most = min(_EDGE, max([1.25, *ratios]) * 1.05)
    scale = alt.Scale(domain=[min([0.75, *ratios]) * 0.95, most], nice=False, clamp=True)
    band = (
        alt.Chart(values([{"low": 0.9, "high": 1.1}]))
        .mark_rect(color=LINE, opacity=0.7)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    axis = alt.Axis(title=f"multiple of {label(found.baseline)}", tickCount=5, format=".2~f")
    points = (
        alt.Chart(values(rows))
        .mark_point(size=70)
        .encode(
            x=alt.X("value:Q", axis=axis, scale=scale),
            y=named_rows(),
            color=coloured("series", series(list(named.values()))),
            shape=shaped("series", list(named.values())),
        )
    )
    says = _collapse_sentence(found)
    if any(value > _EDGE for value in ratios):
        says += f" Points beyond {_EDGE:g} stand at the edge; the table has their values."
    columns = ("model", *COLLAPSE.values())
    lines = [
        (visible(model.name), *(number(model.collapse.get(key), 1 if key == "mean_length" else 3) for key in COLLAPSE))
        for model in found.models
    ]
    chart = sized(alt.layer(band, points), 80 + ROW * len({row["name"] for row in rows}))
    return Figure(f"{prefix}collapse", "Signs of collapse", says, chart, table(columns, lines))


def _collapse_sentence(found: Evaluation) -> str:
    says = "On harmless prompts, as multiples of the base model; the band is 10% either way."
    base, last = found.base, found.models[-1]
    before = base.collapse.get("distinct_2") if base else None
    after = last.collapse.get("distinct_2")
    if base is last or not before or after is None:
        return says
    return f"Different word pairs (distinct-2) of {visible(last.name)}: {change(before, after)}. {says}"
