"""The figures of one run of `cai generate`: harm by revision, what the rounds and principles did, lengths."""

from collections.abc import Sequence

import altair as alt

from cai.report.charts import (
    MOST_ROWS,
    ROW,
    Row,
    coloured,
    interval_rows,
    labels,
    part_bars,
    shaped,
    share_axis,
    share_scale,
    sized,
    values,
)
from cai.report.distribution import Lengths
from cai.report.figures import UNKNOWN, Figure, number, ratio, share, table
from cai.report.hazards import NONE, hazard_name, with_id
from cai.report.oracle import OracleFigures
from cai.report.palette import GOOD, HARM, HELP, MUTED, VIOLET
from cai.report.run import Run
from cai.report.tally import PrincipleTally
from cai.report.visible import visible
from cai.report.words import moved

_HARMFUL, _REFUSED, _ANSWERED = "harmful answers", "good refusals", "harmless answered"
_OUTCOMES = {_HARMFUL: HARM, _REFUSED: GOOD, _ANSWERED: HELP}


def revision_name(index: int, rounds: int) -> str:
    """What an answer is called after so many of the rounds."""
    if rounds == 0:
        return "answer"
    return "draft" if index == 0 else f"revision {index}"


def harm_by_revision(prefix: str, oracle: OracleFigures) -> Figure:
    """Shares of harmful answers, good refusals and answered harmless requests, from the draft to the last revision."""
    first, last = oracle.by_revision[0], oracle.by_revision[-1]
    named = [revision_name(found.revision, last.revision) for found in oracle.by_revision]
    rows: list[Row] = []
    for at, found in zip(named, oracle.by_revision, strict=True):
        told = (found.harm_rate, found.good_refusal_rate, found.benign_answered_rate)
        for name, value in zip(_OUTCOMES, told, strict=True):
            if value is not None:
                # What is written beside a point is made here, so that it is rounded as the text around it is.
                rows.append({"at": at, "series": name, "value": value, "text": share(value)})
    base = alt.Chart(values(rows)).encode(
        x=alt.X("at:O", sort=None, axis=alt.Axis(title=None, labelAngle=0)),
        y=alt.Y("value:Q", axis=share_axis(), scale=share_scale()),
        color=coloured("series", _OUTCOMES),
    )
    told_here = base.transform_filter(f"datum.series === {_HARMFUL!r}").mark_text(
        align="left", dx=7, dy=-9, fontSize=11
    )
    chart = alt.layer(
        base.mark_line(),
        base.mark_point(size=60).encode(shape=shaped("series", list(_OUTCOMES))),
        told_here.encode(text="text:N"),
    )
    revisions = f"{last.revision} revision{'' if last.revision == 1 else 's'}"
    says = (
        f"Harmful answers to harmful requests {moved(first.harm_rate, last.harm_rate)} over {revisions}; "
        f"harmless requests answered rightly {moved(first.benign_answered_rate, last.benign_answered_rate)}."
    )
    if first is last:
        says = (
            f"{share(first.harm_rate)} of the answers to harmful requests are harmful, and "
            f"{share(first.benign_answered_rate)} of the harmless requests are answered rightly. Nothing was revised."
        )
    columns = ("answer", "harmful", "good refusals", "harmless requests answered")
    lines = [
        (at, share(r.harm_rate), share(r.good_refusal_rate), share(r.benign_answered_rate))
        for at, r in zip(named, oracle.by_revision, strict=True)
    ]
    title = "Harm by revision" if last.revision else "Harm of the answers"
    return Figure(f"{prefix}harm-by-revision", title, says, sized(chart), table(columns, lines))


def changes_by_round(prefix: str, run: Run) -> Figure:
    """What share of the answers each round changed."""
    rounds = run.tally.rounds
    rows: list[Row] = [
        {"at": f"round {index}", "value": part, "text": share(part)}
        for index, found in enumerate(rounds, start=1)
        for part in [ratio(found.changed, found.answers) or 0.0]
    ]
    base = alt.Chart(values(rows)).encode(
        x=alt.X("at:O", sort=None, axis=alt.Axis(title=None, labelAngle=0)),
        y=alt.Y("value:Q", axis=share_axis("of answers"), scale=share_scale()),
    )
    bars = base.mark_bar(color=VIOLET, width={"band": 0.5})
    chart = alt.layer(bars, base.mark_text(dy=-8, color=MUTED).encode(text="text:N"))
    first = share(ratio(rounds[0].changed, rounds[0].answers))
    last = share(ratio(rounds[-1].changed, rounds[-1].answers))
    says = f"The first round changed {first} of the answers" + (f", the last one {last}." if len(rounds) > 1 else ".")
    lines = [
        (
            f"round {index}",
            number(found.answers),
            number(found.changed),
            share(ratio(found.changed, found.answers)),
            share(found.change / found.changed if found.changed else None),
        )
        for index, found in enumerate(rounds, start=1)
    ]
    columns = ("round", "answers", "changed", "share", "words changed in those")
    return Figure(
        f"{prefix}changes-by-round", "What each round changed", says, sized(chart, 220), table(columns, lines)
    )


def principles(prefix: str, run: Run) -> Figure:
    """How often each principle was drawn for a round, and how often the answer changed under it."""
    found = sorted(
        ((name, tally) for name, tally in run.tally.principles.items() if tally.drawn),
        key=lambda item: (-item[1].drawn, item[0]),
    )
    named = labels([name for name, _ in found])
    rows: list[Row] = [
        {
            "name": named[name],
            "whole": tally.drawn,
            "part": tally.changed,
            "text": f"{tally.changed} of {tally.drawn}",
        }
        for name, tally in found[:MOST_ROWS]
    ]
    drawn = sum(tally.drawn for _, tally in found)
    changed = sum(tally.changed for _, tally in found)
    says = (
        f"{len(found)} principles were drawn for {drawn:,} rounds; {changed:,} of these changed the answer "
        f"({share(ratio(changed, drawn))}). Wide bars: rounds that drew the principle. Narrow bars: rounds that "
        "changed the answer."
    )
    if len(found) > MOST_ROWS:
        says += f" The {MOST_ROWS} drawn most are shown; the table has all."
    columns = ("principle", "drawn", "changed the answer", "share", "critiques that found it broken", "comparisons")
    lines = [_principle_line(name, tally, run) for name, tally in found]
    chart = part_bars(rows, VIOLET, "rounds")
    return Figure(f"{prefix}principles", "Principles: drawn, and with what effect", says, chart, table(columns, lines))


def _principle_line(name: str, tally: PrincipleTally, run: Run) -> tuple[str, ...]:
    broken = UNKNOWN
    if run.oracle and name in run.oracle.found:
        critiques, found = run.oracle.found[name]
        broken = f"{found:,} of {critiques:,}"
    statement = run.rules.statements.get(name)
    return (
        visible(name if statement is None else f"{name}: {statement}"),
        number(tally.drawn),
        number(tally.changed),
        share(ratio(tally.changed, tally.drawn)),
        broken,
        number(tally.judged),
    )


def hazards(prefix: str, run: Run) -> Figure:
    """Records by hazard, and how many of them end with another answer than the draft."""
    found = sorted(run.tally.hazards.items(), key=lambda item: (item[0] == NONE, -item[1].records, item[0]))
    named = labels([hazard_name(name) for name, _ in found])
    rows: list[Row] = [
        {
            "name": named[hazard_name(name)],
            "whole": tally.records,
            "part": tally.changed,
            "text": f"{tally.changed} of {tally.records}" if run.tally.rounds else number(tally.records),
        }
        for name, tally in found[:MOST_ROWS]
    ]
    marked = [(name, tally) for name, tally in found if name != NONE]
    share_marked = ratio(sum(t.changed for _, t in marked), sum(t.records for _, t in marked))
    plain = run.tally.hazards.get(NONE)
    says = "Wide bars: records. Narrow bars: records of which the last answer is not the draft."
    if not run.tally.rounds:
        says = f"{run.tally.records:,} records by the hazard of their prompt. Nothing was revised."
    elif marked and plain:
        says = (
            f"Revisions changed {share(share_marked)} of the answers to prompts with a hazard and "
            f"{share(ratio(plain.changed, plain.records))} of those without. {says}"
        )
    columns = ("hazard", "records", "last answer changed", "share", "comparisons", "revision preferred")
    lines = [
        (
            with_id(name),
            number(tally.records),
            number(tally.changed),
            share(ratio(tally.changed, tally.records)),
            number(tally.labels),
            share(ratio(tally.prefer_revision, tally.labels)) if run.against_draft else UNKNOWN,
        )
        for name, tally in found
    ]
    return Figure(f"{prefix}hazards", "By hazard", says, part_bars(rows, VIOLET, "records"), table(columns, lines))


def lengths(prefix: str, run: Run) -> Figure:
    """How long the answers are, from the draft on, and those that the judge chose and rejected."""
    rounds = len(run.tally.rounds)
    found = [(revision_name(i, rounds), "answers", words) for i, words in enumerate(run.tally.words) if words.n]
    judged = run.tally.labels
    if judged.chosen_words.n:
        found += [("chosen", "labels", judged.chosen_words), ("rejected", "labels", judged.rejected_words)]
    rows: list[Row] = [{"name": name, "series": kind, **_quantiles(words)} for name, kind, words in found]
    scale = alt.Scale(zero=True, nice=True)
    axis = alt.Axis(title="words", tickCount=5, format=",d")
    chart = sized(interval_rows(rows, axis, scale, {"answers": VIOLET, "labels": HELP}), 70 + ROW * len(rows))
    answers = [words for _, kind, words in found if kind == "answers"]
    says = "Point: median. Thick: the middle half. Thin: all but the shortest and longest tenth."
    if len(answers) > 1:
        first, last = answers[0].quantile(0.5), answers[-1].quantile(0.5)
        says = f"The median draft has {number(first)} words, the median last revision {number(last)}. {says}"
    columns = ("answer", "number", "shortest tenth", "quarter", "median", "three quarters", "longest tenth", "mean")
    lines = [
        (
            name,
            number(words.n),
            *(number(words.quantile(q)) for q in (0.1, 0.25, 0.5, 0.75, 0.9)),
            number(words.mean, 1),
        )
        for name, _, words in found
    ]
    return Figure(f"{prefix}lengths", "Lengths", says, chart, table(columns, lines))


def _quantiles(words: Lengths) -> Row:
    names: Sequence[tuple[str, float]] = (
        ("lowest", 0.1),
        ("low", 0.25),
        ("middle", 0.5),
        ("high", 0.75),
        ("highest", 0.9),
    )
    return {name: words.quantile(q) for name, q in names}
