"""The figures of an evaluation's comparisons: win rates between models, and ratings of all."""

from collections.abc import Callable

import altair as alt

from cai.report.charts import MOST_ROWS, ROW, Row, interval_rows, label, labels, share_axis, share_scale, sized, values
from cai.report.evaluation import Evaluation, Preference
from cai.report.figures import Figure, number, share, table
from cai.report.palette import HARM, HELP, MUTED, VIOLET
from cai.report.visible import visible

_ALL = "all prompts"
_KINDS = {_ALL: VIOLET, "harmful prompts": HARM, "harmless prompts": HELP}


def win_rates(prefix: str, found: Evaluation) -> Figure:
    """How often the judge prefers the answers of one model to those of another, over all prompts and by kind."""
    pairs = [(f"{label(pair.a)} over {label(pair.b)}", pair) for pair in map(_later_first(found), found.preferences)]
    rows: list[Row] = [
        {"name": name, "series": pair.prompts, "middle": pair.win_rate, "low": pair.low, "high": pair.high}
        for name, pair in pairs[: 3 * MOST_ROWS]
        if pair.win_rate is not None
    ]
    half = alt.Chart(values([{"x": 0.5}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x="x:Q")
    colours = {name: colour for name, colour in _KINDS.items() if any(row["series"] == name for row in rows)}
    intervals = interval_rows(rows, share_axis("win rate"), share_scale(), colours)
    height = 90 + 18 * len(colours) * len({row["name"] for row in rows})
    chart = sized(alt.layer(half, intervals), height)
    says = "Point: how often the judge, asked in both orders, prefers the first of the two. Bar: its 95% interval."
    last = next((pair for _, pair in reversed(pairs) if pair.prompts == _ALL and pair.win_rate is not None), None)
    if last is not None:
        says = f"{visible(last.a)} wins {share(last.win_rate)} of its comparisons with {visible(last.b)}. {says}"
    lines = [
        (
            visible(name),
            pair.prompts,
            *map(share, (pair.win_rate, pair.low, pair.high)),
            number(pair.n),
            share(pair.flip_rate),
            share(pair.longer_preferred),
        )
        for name, pair in pairs
    ]
    columns = ("pair", "prompts", "win rate", "low", "high", "compared", "verdicts flipped", "longer answer won")
    return Figure(f"{prefix}win-rates", "Win rates", says, chart, table(columns, lines))


def _later_first(found: Evaluation) -> Callable[[Preference], Preference]:
    """Turn a pair round so that it tells how the model that came later does against the one before."""
    order = {model.name: index for index, model in enumerate(found.models)}
    return lambda pair: pair if order.get(pair.a, 0) > order.get(pair.b, 0) else pair.turned()


def ratings(prefix: str, found: Evaluation) -> Figure:
    """The strength of each model over all comparisons."""
    named = labels([rating.model for rating in found.ratings])
    rows: list[Row] = [
        {"name": named[r.model], "series": "x", "middle": r.rating, "low": r.low, "high": r.high}
        for r in found.ratings[:MOST_ROWS]
        if r.rating is not None
    ]
    axis = alt.Axis(title="rating", tickCount=5)
    chart = sized(interval_rows(rows, axis, alt.Scale(zero=False, nice=True), {"x": HELP}), 70 + ROW * len(rows))
    says = "Ratings from all comparisons together: the greater the distance, the likelier the stronger model wins."
    lines = [(visible(r.model), *(number(v, 1) for v in (r.rating, r.low, r.high))) for r in found.ratings]
    return Figure(f"{prefix}ratings", "Ratings", says, chart, table(("model", "rating", "low", "high"), lines))
