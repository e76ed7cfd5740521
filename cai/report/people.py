"""What people said of a run's answers, if somebody asked them: how far the AI labels agree with them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cai.errors import CaiError
from cai.feedback.agreement import Agreement, measure
from cai.feedback.agreement import Figure as Agreed
from cai.feedback.store import FeedbackStore
from cai.feedback.views import open_view
from cai.report.figures import UNKNOWN, Fact, Section, Table, number, share
from cai.report.hazards import hazard_name
from cai.report.visible import visible

LISTED = 8
_EXCERPT = 160


def people_section(prefix: str, path: Path) -> Iterator[Section]:
    """The section about human feedback on a run; none if there is no feedback, or it cannot be read."""
    try:
        found = _measured(path)
    except CaiError:
        # `cai feedback agreement` says what is wrong; the page shows what there is.
        return
    if found is not None and found.judged:
        tables = [("Agreement of the AI labels with people", _groups(found))]
        if found.people.persons:
            tables.append(("People", _persons(found)))
        if found.listed:
            tables.append(("Disagreements, those first in which the AI was surest", _listed(found)))
        yield Section(f"{prefix}people", "Human feedback", _lead(found), _facts(found), tables=tuple(tables))


def _measured(path: Path) -> Agreement | None:
    view = open_view(path)
    try:
        store = FeedbackStore.existing(view.place)
        if store is None:
            return None
        with store:
            return measure(view, store, LISTED)
    finally:
        view.close()


def _lead(found: Agreement) -> str:
    lead = f"People judged {found.judged:,} comparisons ({found.judgements:,} judgements)."
    if found.overall.comparisons:
        lead += f" Both they and the AI prefer one answer in {found.overall.comparisons:,} of these."
    undecided = [(found.people_ties, "people are undecided"), (found.ai_ties, "the AI is undecided")]
    for count, who in (*undecided, (found.own, "the run has no such comparison")):
        if count:
            lead += f" In {count:,} {who}."
    return lead


def _facts(found: Agreement) -> tuple[Fact, ...]:
    overall, people = found.overall, found.people
    facts = [
        Fact("accuracy against people", share(overall.accuracy), _between(overall)),
        Fact("Cohen's kappa", _kappa(overall.kappa), "0 is what chance gives, 1 is full agreement"),
    ]
    if people.agreement is not None:
        note = (
            f"Krippendorff's alpha {_kappa(people.krippendorff_alpha)}, over {people.judged_by_several:,} comparisons"
        )
        facts.append(Fact("people agree with each other", share(people.agreement), note))
    return tuple(facts)


def _groups(found: Agreement) -> Table:
    rows = [_row("all", found.overall)]
    groups: tuple[tuple[str, Mapping[str, Agreed]], ...] = (
        ("hazard: ", {hazard_name(name): figure for name, figure in found.by_hazard.items()}),
        ("principle: ", found.by_principle if len(found.by_principle) > 1 else {}),
        ("drawn as ", found.by_reason),
        ("AI sure at ", found.by_confidence),
    )
    for name, group in groups:
        rows += [_row(f"{name}{visible(part)}", figure) for part, figure in group.items()]
    return Table(("comparisons", "number", "accuracy", "95% interval", "kappa"), tuple(rows))


def _row(name: str, figure: Agreed) -> tuple[str, ...]:
    return name, number(figure.comparisons), share(figure.accuracy), _between(figure), _kappa(figure.kappa)


def _persons(found: Agreement) -> Table:
    rows = tuple(
        (visible(person.annotator), number(person.judgements), share(person.with_ai), share(person.with_others))
        for person in found.people.persons
    )
    return Table(("person", "judgements", "agrees with the AI", "agrees with others"), rows)


def _listed(found: Agreement) -> Table:
    rows = []
    for item in found.listed:
        ai, people = ("A" if p > 0.5 else "B" for p in (item.ai_p_a, item.people_p_a))
        sure = max(item.ai_p_a, 1 - item.ai_p_a)
        rows.append((item.comparison_id, f"{ai} ({sure:.0%})", f"{people} ({item.votes} votes)", _short(item.prompt)))
    return Table(("comparison", "AI prefers", "people prefer", "prompt"), tuple(rows))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return visible(line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]} ...")


def _between(figure: Agreed) -> str:
    interval = figure.accuracy_interval
    return UNKNOWN if interval is None else f"{interval.low:.0%} to {interval.high:.0%}"


def _kappa(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
