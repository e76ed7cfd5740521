"""What each principle did in a run: how often it was drawn, what it found and changed, and how it judged.

Counted from rounds and labels as they stand (`cai.data.finished`); the models' words are not read.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution
from cai.data.finished import StandingRound, answers_of, finished_records, labels_of, rounds_of
from cai.errors import CaiError
from cai.records import Label, Vote
from cai.report.diff import changed_share
from cai.report.files import read_object
from cai.resources import find
from cai.store.journal import Journal
from cai.store.reader import JournalRecord
from cai.store.run_dir import RunDir

FEW = 10
"""With fewer rounds or votes than this nothing is said of a principle."""
_MOST_FLIPS = 0.5
_MOST_FLAWS = 0.2

Hint = Literal[
    "never drawn", "too few", "never fires", "always fires", "order decides", "prefers the draft", "often flawed"
]


@dataclass
class PrincipleFigures:
    """Of one principle.

    As the rule of a round: `rounds` drew it, in `records` records; of `verdicts` with a verdict `violations` found one;
    `changed` left another answer, by `edits` (sum of shares of words); `retries` are further draws of revisions,
    `flaws` what stayed wrong with some. Of `compared` comparisons of draft and last revision, in records that drew it,
    `won` were for the revision (half for a tie), whoever judged them.

    As the rule of a judge: `votes`, of which `on_revisions` were on draft and revision, with `p_revision` the sum of
    the probabilities that the revision is better; `sure` the sum of |2p - 1|; `both_orders` the questions that were
    put in both orders, `flips` those whose verdict changed with the order.
    """

    rounds: int = 0
    records: int = 0
    verdicts: int = 0
    violations: int = 0
    changed: int = 0
    edits: float = 0.0
    retries: int = 0
    flaws: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    won: float = 0.0
    votes: int = 0
    sure: float = 0.0
    on_revisions: int = 0
    p_revision: float = 0.0
    both_orders: int = 0
    flips: int = 0

    @property
    def fired(self) -> float | None:
        """How often it found fault: by verdicts if there are any, else by changed answers. None if never drawn."""
        return _share(self.violations, self.verdicts) if self.verdicts else _share(self.changed, self.rounds)

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What somebody who edits the principle should look at."""
        if not self.rounds and not self.votes:
            return ("never drawn",)
        found: list[Hint] = []
        if self.rounds >= FEW:
            found += ["never fires"] if self.fired == 0 else ["always fires"] if self.fired == 1 else []
            found += ["often flawed"] if self.flaws.total() > _MOST_FLAWS * self.rounds else []
        if self.both_orders >= FEW and self.flips >= _MOST_FLIPS * self.both_orders:
            found.append("order decides")
        if self.on_revisions >= FEW and self.p_revision < self.on_revisions / 2:
            found.append("prefers the draft")
        if max(self.rounds, self.votes) < FEW:
            found.append("too few")
        return tuple(found)

    def to_row(self) -> dict[str, Any]:
        """Counts, and shares and means of them; null where there is nothing to take a share of."""
        return {
            "rounds": self.rounds,
            "records": self.records,
            "verdicts": self.verdicts,
            "violations": self.violations,
            "changed": self.changed,
            "fired": self.fired,
            "mean_edit": _share(self.edits, self.changed),
            "retries": self.retries,
            "flaws": dict(sorted(self.flaws.items())),
            "compared": self.compared,
            "revision_win_rate": _share(self.won, self.compared),
            "votes": self.votes,
            "mean_p_revision": _share(self.p_revision, self.on_revisions),
            "mean_margin": _share(self.sure, self.votes),
            "both_orders": self.both_orders,
            "flip_rate": _share(self.flips, self.both_orders),
            "hints": list(self.hints),
        }


@dataclass(frozen=True, slots=True)
class RunPrinciples:
    """The figures of a run by principle: those that fire most first, those never drawn last.

    `constitution` is None if the file has gone or says something else than it did in the run.
    """

    path: str
    constitution: Constitution | None
    records: int
    principles: dict[str, PrincipleFigures]


def read_principles(run: Path) -> RunPrinciples:
    """Count the finished records of a run, which may still work.

    Raises:
        UsageError: There is no run.
        StorageError: The journal or a file of the run cannot be read.
    """
    place = RunDir.existing(run)
    # A run that ended before it began has a journal and no settings.
    config = read_object(place.config_path, "cai generate") if place.config_path.is_file() else {}
    path = str(config.get("constitution", ""))
    constitution = _constitution(place, path)
    tally = PrincipleTally(principle.id for principle in constitution.principles) if constitution else PrincipleTally()
    with Journal.read_only(place.journal_path) as journal:
        session = journal.latest_session()
        for record in finished_records(journal, session.number) if session else ():
            tally.add(record)
    return RunPrinciples(path, constitution, tally.records, tally.ordered())


def _constitution(place: RunDir, path: str) -> Constitution | None:
    if not path:
        return None
    try:
        constitution = load_constitution(find(path, "constitution"))
        manifest = read_object(place.manifest_path, "cai generate") if place.manifest_path.is_file() else {}
    except (CaiError, OSError):
        # The run is what is counted; the file may have gone since.
        return None
    made_with = (manifest.get("fingerprints") or {}).get("constitution")
    return constitution if made_with in (None, constitution.fingerprint) else None


class PrincipleTally:
    """Counts records one by one; memory depends on the principles, not on the records."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.records = 0
        self.principles: dict[str, PrincipleFigures] = {name: PrincipleFigures() for name in ids}

    def add(self, record: JournalRecord) -> None:
        """Count one finished record."""
        self.records += 1
        rounds = rounds_of(record)
        for round_ in rounds:
            for name in round_.principle_ids:
                _count_round(self._of(name), round_)
        drawn = {name for round_ in rounds for name in round_.principle_ids}
        for name in drawn:
            self._of(name).records += 1
        answers = answers_of(record)
        for body, label in labels_of(record):
            revised = body["source"] == "draft_vs_revision"
            # Whether A is the revision, where one of the two is.
            a_is_revision = body["response_a"] == answers[-1] if revised else None
            self._count_label(label, drawn, a_is_revision)

    def ordered(self) -> dict[str, PrincipleFigures]:
        """Those that fire most often first, then by rounds, votes and name."""

        def key(one: PrincipleFigures) -> tuple[float, int, int]:
            return -1.0 if one.fired is None else one.fired, one.rounds, one.votes

        by_name = sorted(self.principles.items())
        return dict(sorted(by_name, key=lambda item: key(item[1]), reverse=True))

    def _of(self, name: str) -> PrincipleFigures:
        return self.principles.setdefault(name, PrincipleFigures())

    def _count_label(self, label: Label, drawn: Collection[str], a_is_revision: bool | None) -> None:
        if a_is_revision is not None:
            p = label.p_a if a_is_revision else 1 - label.p_a
            for name in drawn:
                one = self._of(name)
                one.compared += 1
                one.won += 0.5 if p == 0.5 else float(p > 0.5)
        by_question: dict[tuple[str, str, bool], list[Vote]] = {}
        for vote in label.votes:
            one = self._of(vote.principle_id)
            one.votes += 1
            one.sure += abs(2 * vote.p_a - 1)
            if a_is_revision is not None:
                one.on_revisions += 1
                one.p_revision += vote.p_a if a_is_revision else 1 - vote.p_a
            by_question.setdefault((vote.principle_id, vote.labeler, vote.negated), []).append(vote)
        for (name, *_), votes in by_question.items():
            if {vote.order for vote in votes} == {"ab", "ba"}:
                self._of(name).both_orders += 1
                self._of(name).flips += min(vote.p_a for vote in votes) < 0.5 < max(vote.p_a for vote in votes)


def _count_round(one: PrincipleFigures, round_: StandingRound) -> None:
    one.rounds += 1
    if round_.verdict is not None:
        one.verdicts += 1
        one.violations += round_.verdict.violates
    if round_.changed:
        one.changed += 1
        one.edits += changed_share(round_.before, round_.answer)
    one.retries += round_.attempt
    if round_.flaw:
        one.flaws[round_.flaw] += 1


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
