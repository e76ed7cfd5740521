"""How far the AI labels of a run agree with people, and people with each other.

Whoever is in agreement is asked the same question: which answer is better? A tie of either side answers none, so such
comparisons are left out of accuracy and kappa, and counted. Chance is kept out by Cohen's kappa over (A, B) in the
order of the run: with draft_vs_revision a judge that always prefers the revision earns accuracy, but no kappa.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, NamedTuple

from cai.feedback.compared import Compared, View
from cai.feedback.people import People, PeopleCount
from cai.feedback.store import FeedbackStore, Verdict
from cai.intervals import Interval, bootstrap

NO_HAZARD = "none"
NOT_DRAWN = "not drawn for review"
RESAMPLES = 1000
_DRAWS = 2_000_000
"""Draws that an interval may take: with very many prompts fewer resamples do."""
_EXCERPT = 400
_BINS = 5


class Scored(NamedTuple):
    """A comparison that both sides decided; `ai_a` and `people_a` say whether they prefer answer A."""

    prompt_id: str
    ai_a: bool
    people_a: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """Agreement over some comparisons, with 95% intervals over redraws of their prompts; None where nothing is."""

    comparisons: int
    accuracy: float | None = None
    accuracy_interval: Interval | None = None
    kappa: float | None = None
    kappa_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A comparison in which the AI label and most people prefer different answers."""

    comparison_id: str
    prompt_id: str
    hazard: str | None
    principle_ids: tuple[str, ...]
    ai_p_a: float
    people_p_a: float
    votes: int
    notes: tuple[str, ...]
    prompt: str
    response_a: str
    response_b: str


@dataclass(slots=True)
class Agreement:
    """Everything about the agreement of a run with people.

    `judged` comparisons have judgements; `own` of these the run has not (any more). The others are `people_ties` +
    `ai_ties` (and no tie of people) + `overall.comparisons`. A comparison that was judged under several principles
    counts for each of them in `by_principle`.
    """

    judged: int = 0
    judgements: int = 0
    own: int = 0
    people_ties: int = 0
    ai_ties: int = 0
    disagreements: int = 0
    overall: Figure = field(default_factory=lambda: Figure(0))
    by_hazard: dict[str, Figure] = field(default_factory=dict)
    by_principle: dict[str, Figure] = field(default_factory=dict)
    by_reason: dict[str, Figure] = field(default_factory=dict)
    by_confidence: dict[str, Figure] = field(default_factory=dict)
    people: People = field(default_factory=People)
    listed: tuple[Disagreement, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(view: View, store: FeedbackStore, listed: int = 20) -> Agreement:
    """Compare what people said with the AI labels of a run.

    Args:
        view: The run.
        store: Its feedback.
        listed: Disagreements to list, those first in which the AI label was surest.

    Raises:
        StorageError: The run or the feedback cannot be read.
    """
    found, people, groups = Agreement(), PeopleCount(), _Groups(store.reasons())
    worst: list[tuple[float, str, Disagreement]] = []
    joined = 0
    for compared, verdict in joined_comparisons(view, store):
        joined += 1
        people_p_a, ai_p_a = verdict.p_for(compared.content.a_hash), compared.label.p_a
        if people_p_a == 0.5:
            found.people_ties += 1
        elif ai_p_a == 0.5:
            found.ai_ties += 1
        else:
            groups.add(compared, people_p_a > 0.5)
            if (ai_p_a > 0.5) != (people_p_a > 0.5):
                found.disagreements += 1
                item = (abs(ai_p_a - 0.5), compared.id, _disagreement(compared, verdict, people_p_a))
                (heapq.heappush if len(worst) < listed else heapq.heappushpop)(worst, item)
        if ai_p_a != 0.5:
            people.add_with_ai(verdict, compared.content.a_hash if ai_p_a > 0.5 else compared.content.b_hash)
    for verdict in store.verdicts():
        people.add(verdict)
    found.overall = figure(groups.all)
    found.by_hazard, found.by_principle, found.by_reason, found.by_confidence = (
        {name: figure(scored) for name, scored in sorted(group.items())}
        for group in (groups.by_hazard, groups.by_principle, groups.by_reason, groups.by_confidence)
    )
    found.listed = tuple(item for *_, item in sorted(worst, key=lambda entry: (-entry[0], entry[1])))
    found.judged, found.judgements, found.people = people.judged, people.judgements, people.people()
    found.own = found.judged - joined
    return found


def joined_comparisons(view: View, store: FeedbackStore) -> Iterator[tuple[Compared, Verdict]]:
    """The comparisons of a run that people judged, each with what they said, as a stream.

    Raises:
        StorageError: The run or the feedback cannot be read.
    """
    seen = set()
    for compared in view.comparisons():
        key = compared.content.key
        verdict = None if key in seen else store.verdict(compared.content)
        if verdict is not None:
            # Two comparisons that differ in white space alone are one.
            seen.add(key)
            yield compared, verdict


class _Groups:
    """Scored comparisons, all and by what they have in common."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons
        self.all: list[Scored] = []
        self.by_hazard: dict[str, list[Scored]] = defaultdict(list)
        self.by_principle: dict[str, list[Scored]] = defaultdict(list)
        self.by_reason: dict[str, list[Scored]] = defaultdict(list)
        self.by_confidence: dict[str, list[Scored]] = defaultdict(list)

    def add(self, compared: Compared, people_a: bool) -> None:
        scored = Scored(compared.prompt.id, compared.label.p_a > 0.5, people_a)
        self.all.append(scored)
        self.by_hazard[compared.prompt.hazard or NO_HAZARD].append(scored)
        for principle_id in {vote.principle_id for vote in compared.label.votes}:
            self.by_principle[principle_id].append(scored)
        self.by_reason[self._reasons.get(compared.id, NOT_DRAWN)].append(scored)
        self.by_confidence[_bin(compared.label.p_a)].append(scored)


def figure(scored: Sequence[Scored]) -> Figure:
    """Agreement over some comparisons."""
    if not scored:
        return Figure(0)
    by_prompt: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for one in scored:
        by_prompt[one.prompt_id][one.ai_a, one.people_a] += 1
    cells = ((True, True), (True, False), (False, True), (False, False))
    units = [tuple(found[cell] for cell in cells) for found in by_prompt.values()]
    accuracy, kappa = _rates([sum(column) for column in zip(*units, strict=True)])
    resamples = max(100, min(RESAMPLES, _DRAWS // len(units)))
    intervals = bootstrap(units, _resampled, Random("agreement"), resamples)
    known = None if kappa is None else intervals[1]
    return Figure(len(scored), accuracy, intervals[0], kappa, known)


def _rates(cells: Sequence[int]) -> tuple[float, float | None]:
    """Accuracy and kappa of a table of two by two: AI A and people A, A and B, B and A, B and B."""
    aa, ab, ba, bb = cells
    total = aa + ab + ba + bb
    observed = (aa + bb) / total
    expected = ((aa + ab) * (aa + ba) + (ba + bb) * (ab + bb)) / total**2
    return observed, None if expected == 1 else (observed - expected) / (1 - expected)


def _resampled(units: Sequence[Sequence[int]]) -> tuple[float, float]:
    """The same of a resample; where kappa is not defined both sides said one and the same thing, which is agreement."""
    accuracy, kappa = _rates([sum(column) for column in zip(*units, strict=True)])
    return accuracy, 1.0 if kappa is None else kappa


def _bin(p_a: float) -> str:
    """How sure the AI label is, as a range of the probability of the answer that it prefers."""
    width = 50 // _BINS
    index = min(int((max(p_a, 1 - p_a) - 0.5) * 100 / width), _BINS - 1)
    return f"{50 + index * width}-{50 + (index + 1) * width}%"


def _disagreement(compared: Compared, verdict: Verdict, people_p_a: float) -> Disagreement:
    return Disagreement(
        comparison_id=compared.id,
        prompt_id=compared.prompt.id,
        hazard=compared.prompt.hazard,
        principle_ids=tuple(dict.fromkeys(vote.principle_id for vote in compared.label.votes)),
        ai_p_a=compared.label.p_a,
        people_p_a=people_p_a,
        votes=len(verdict.votes),
        notes=tuple(vote.note for vote in verdict.votes if vote.note),
        prompt=_excerpt(compared.prompt.messages[-1].content),
        response_a=_excerpt(compared.response_a),
        response_b=_excerpt(compared.response_b),
    )


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]} ..."
