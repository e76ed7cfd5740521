"""One pass over the finished records of a run: everything that its figures count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cai.comparisons.agreement import LabelerAgreement
from cai.config.stages import GenerateConfig
from cai.data.finished import StandingRound, answers_of, labels_of, rounds_of
from cai.records import Label
from cai.report.diff import changed_share
from cai.report.distribution import Histogram, Lengths
from cai.report.hazards import NONE
from cai.store.reader import JournalRecord

T = TypeVar("T")

MOST_NAMES = 64
"""Hazards that are counted by name; names come from a file of prompts, of which there may be any number."""
OTHERS = "(others)"


@dataclass
class RoundTally:
    """Of one round: answers, how many of them it changed, and how much (sum of shares of words)."""

    answers: int = 0
    changed: int = 0
    change: float = 0.0


@dataclass
class PrincipleTally:
    """Of one principle: rounds that drew it, revisions that it changed, comparisons that it judged."""

    drawn: int = 0
    changed: int = 0
    judged: int = 0


@dataclass
class HazardTally:
    """Of one hazard: records, those of which the last answer is not the draft, labels, those that prefer it."""

    records: int = 0
    changed: int = 0
    labels: int = 0
    prefer_revision: int = 0


@dataclass
class LabelTally:
    """Of the labels that stand; `kept` and `flipped` are histograms of the probability that the figure shows.

    `spread` and `agreement` are of the labels that several labelers made.
    """

    labels: int = 0
    ties: int = 0
    flips: int = 0
    mass_sum: float = 0.0
    prefer_revision: int = 0
    different_length: int = 0
    longer_preferred: int = 0
    kept: Histogram = field(default_factory=Histogram)
    flipped: Histogram = field(default_factory=Histogram)
    mass: Histogram = field(default_factory=Histogram)
    spreads: int = 0
    spread_sum: float = 0.0
    spread: Histogram = field(default_factory=Histogram)
    agreement: LabelerAgreement = field(default_factory=LabelerAgreement)
    chosen_words: Lengths = field(default_factory=Lengths)
    rejected_words: Lengths = field(default_factory=Lengths)


class RunTally:
    """Counts records one by one; memory depends on rounds, principles and hazards, not on records."""

    def __init__(self, config: GenerateConfig) -> None:
        self.config = config
        self.records = 0
        self.several_turns = 0
        self.words = [Lengths() for _ in range(config.rounds + 1)]
        self.rounds = [RoundTally() for _ in range(config.rounds)]
        self.principles: dict[str, PrincipleTally] = {}
        self.hazards: dict[str, HazardTally] = {}
        self.labels = LabelTally()
        self.cut: dict[str, int] = {}

    def add(self, record: JournalRecord) -> None:
        """Count one finished record."""
        self.records += 1
        self.several_turns += len(record.prompt.messages) > 1
        answers = answers_of(record)
        for lengths, answer in zip(self.words, answers, strict=False):
            lengths.add(len(answer.split()))
        for round_ in rounds_of(record):
            self._round(round_)
        self._cut(record)
        hazard = _kept(self.hazards, record.prompt.hazard or NONE, HazardTally)
        hazard.records += 1
        hazard.changed += bool(answers) and answers[-1] != answers[0]
        for body, label in labels_of(record):
            self._label(body, label, answers, hazard)

    def _round(self, round_: StandingRound) -> None:
        tally = self.rounds[round_.index - 1]
        tally.answers += 1
        tally.changed += round_.changed
        tally.change += changed_share(round_.before, round_.answer)
        for principle in round_.principle_ids:
            drawn = _kept(self.principles, principle, PrincipleTally)
            drawn.drawn += 1
            drawn.changed += round_.changed

    def _cut(self, record: JournalRecord) -> None:
        for key, step in record.steps.items():
            if key.round <= self.config.rounds and step.body.get("finish_reason") == "length":
                stage = key.stage.split("/")[0]
                self.cut[stage] = self.cut.get(stage, 0) + 1

    def _label(self, body: Mapping[str, Any], label: Label, answers: list[str], hazard: HazardTally) -> None:
        tally = self.labels
        tally.labels += 1
        tally.flips += label.flipped
        tally.mass_sum += label.label_mass
        tally.mass.add(label.label_mass)
        tally.agreement.add(label)
        if label.spread is not None:
            tally.spreads += 1
            tally.spread_sum += label.spread
            tally.spread.add(2 * label.spread)
        (tally.flipped if label.flipped else tally.kept).add(shown_probability(body, label, answers))
        hazard.labels += 1
        if body["source"] == "draft_vs_revision":
            preferred = revision_probability(body, label, answers) > 0.5
            tally.prefer_revision += preferred
            hazard.prefer_revision += preferred
        for principle in {vote.principle_id for vote in label.votes}:
            _kept(self.principles, principle, PrincipleTally).judged += 1
        if label.p_a == 0.5:
            tally.ties += 1
            return
        chosen, rejected = (body["response_a"], body["response_b"])[:: 1 if label.p_a > 0.5 else -1]
        long, short = len(chosen.split()), len(rejected.split())
        tally.chosen_words.add(long)
        tally.rejected_words.add(short)
        tally.different_length += long != short
        tally.longer_preferred += long > short


def revision_probability(body: Mapping[str, Any], label: Label, answers: list[str]) -> float:
    """The probability that the last revision is better than the draft."""
    return label.p_a if body["response_a"] == answers[-1] else 1 - label.p_a


def shown_probability(body: Mapping[str, Any], label: Label, answers: list[str]) -> float:
    """That the revision is better than the draft; of two samples, that the chosen one is better."""
    if body["source"] == "draft_vs_revision":
        return revision_probability(body, label, answers)
    return max(label.p_a, 1 - label.p_a)


def _kept(tallies: dict[str, T], name: str, new: type[T]) -> T:
    if name not in tallies and len(tallies) >= MOST_NAMES:
        name = OTHERS
    return tallies.setdefault(name, new())
