"""The figures of a run's AI labels: how sure the judge was, how often it wavered, whether it understood."""

from collections.abc import Mapping, Sequence

import altair as alt

from cai.report.charts import Drawing, Row, coloured, share_axis, share_scale, sized, values
from cai.report.figures import Fact, Figure, number, ratio, share, table
from cai.report.palette import GOOD, HARM, HELP, VIOLET
from cai.report.run import Run


def label_probabilities(prefix: str, run: Run) -> Figure:
    """How sure the judge was: a histogram, with those labels apart that flipped with the order."""
    labels_ = run.tally.labels
    kinds = {"same verdict in both orders": HELP, "flipped with the order": HARM}
    rows: list[Row] = []
    for (low, high), kept, flipped in zip(
        labels_.kept.edges(), labels_.kept.counts, labels_.flipped.counts, strict=True
    ):
        # Stacked here, so that an empty part leaves no rest.
        for name, start, count in zip(kinds, (0, kept), (kept, flipped), strict=True):
            rows.append({"low": low, "high": high, "series": name, "from": start, "to": start + count})
    low = 0.0 if run.against_draft else 0.5
    what = "that the last revision is better than the draft" if run.against_draft else "of the preferred answer"
    chart = _histogram([row for row in rows if row["low"] >= low], kinds, f"probability {what}", low)
    says = _label_sentence(run)
    lines = [
        (f"{edge:.0%} to {top:.0%}", number(kept), number(flipped))
        for (edge, top), kept, flipped in zip(
            labels_.kept.edges(), labels_.kept.counts, labels_.flipped.counts, strict=True
        )
        if edge >= low
    ]
    columns = ("probability", *kinds)
    return Figure(f"{prefix}label-probabilities", "Label probabilities", says, chart, table(columns, lines))


def _label_sentence(run: Run) -> str:
    found = run.tally.labels
    flips = f"{share(ratio(found.flips, found.labels))} of the verdicts flipped when the answers changed places"
    if not _in_both_orders(run):
        flips = "Each answer was rated by itself, so that there is no order to turn"
    longer = ratio(found.longer_preferred, found.different_length)
    length = "" if longer is None else f", and the longer answer was preferred in {share(longer)} of the pairs"
    if run.against_draft:
        preferred = share(ratio(found.prefer_revision, found.labels))
        return f"The judge prefers the last revision in {preferred} of {found.labels:,} comparisons. {flips}{length}."
    return f"{found.labels:,} comparisons of two sampled answers. {flips}{length}."


def label_mass(prefix: str, run: Run) -> Figure:
    """How much probability the judge put on the two letters at all."""
    found = run.tally.labels
    rows: list[Row] = [
        {"low": low, "high": high, "from": 0, "to": count, "series": "labels"}
        for (low, high), count in zip(found.mass.edges(), found.mass.counts, strict=True)
    ]
    chart = _histogram(rows, {"labels": GOOD}, "probability on the two letters together", 0.0)
    mean = ratio(found.mass_sum, found.labels)
    says = (
        f"On average the judge put {share(mean)} of its probability on the two letters. Far below 100% it does not "
        "understand the question, and its labels mean little."
    )
    lines = [(f"{row['low']:.0%} to {row['high']:.0%}", number(row["to"])) for row in rows]
    return Figure(f"{prefix}label-mass", "Label mass", says, chart, table(("label mass", "labels"), lines))


def labelers(prefix: str, run: Run) -> Figure:
    """How far several labelers are apart: the spread of their probabilities, and their agreement beyond chance."""
    found = run.tally.labels
    # Counted over twice the spread, which is at most 0.5: where half of the labelers are sure of either answer.
    rows: list[Row] = [
        {"low": low / 2, "high": high / 2, "from": 0, "to": count, "series": "labels"}
        for (low, high), count in zip(found.spread.edges(), found.spread.counts, strict=True)
    ]
    chart = _histogram(rows, {"labels": VIOLET}, "standard deviation of the labelers' probabilities", 0.0, 0.5)
    kappas = found.agreement.kappas
    says = (
        f"Two labelers give the same verdict in {share(found.agreement.same)} of their labels (Cohen's kappa "
        f"{number(found.agreement.kappa, 2)} on average: 0 is chance, 1 full agreement), and their probabilities lie "
        f"{number(ratio(found.spread_sum, found.spreads), 3)} from the mean."
    )
    lines = [(f"{one} and {other}", number(kappa, 3)) for (one, other), kappa in kappas.items()]
    return Figure(
        f"{prefix}labelers", "Agreement of the labelers", says, chart, table(("labelers", "Cohen's kappa"), lines)
    )


def label_facts(run: Run) -> tuple[Fact, ...]:
    """The numbers to look at before the labels are trusted."""
    found = run.tally.labels
    facts = [
        Fact("labels", number(found.labels), f"{found.ties:,} ties" if found.ties else ""),
        Fact("label mass", share(ratio(found.mass_sum, found.labels)), "on the replies that were offered"),
        Fact(
            "longer answer preferred", share(ratio(found.longer_preferred, found.different_length)), "50% favours none"
        ),
    ]
    if _in_both_orders(run):
        flips = share(ratio(found.flips, found.labels))
        facts.insert(1, Fact("verdicts flipped", flips, "when the answers changed places"))
    if found.spreads:
        facts.append(Fact("labelers' kappa", number(found.agreement.kappa, 2), "agreement beyond chance"))
        facts.append(Fact("spread", number(ratio(found.spread_sum, found.spreads), 3), "between labelers"))
    return tuple(facts)


def _in_both_orders(run: Run) -> bool:
    """Whether the answers were shown side by side, and so in an order."""
    labels = run.tally.config.labels
    return (labels.method if labels.kind == "ensemble" else labels).kind != "rating"


def _histogram(rows: Sequence[Row], colours: Mapping[str, str], title: str, low: float, high: float = 1.0) -> Drawing:
    """Bars from `from` to `to` over bins from `low` to `high`."""
    axis = share_axis(title) if high == 1.0 else alt.Axis(title=title, tickCount=5)
    scale = share_scale(low) if high == 1.0 else alt.Scale(domain=[low, high])
    chart = (
        alt.Chart(values([row for row in rows if row["to"] > row["from"]]))
        .mark_rect()
        .encode(
            x=alt.X("low:Q", axis=axis, scale=scale),
            x2="high:Q",
            y=alt.Y("from:Q", axis=alt.Axis(title="labels", tickCount=5, format=",d"), scale=alt.Scale(zero=True)),
            y2="to:Q",
            color=coloured("series", colours, legend=len(colours) > 1),
        )
    )
    return sized(chart)
