"""Which records of a run are worth a person's look: chosen the same way every time, each with the reason.

Records stream by; of each kind only the best few are kept.
"""

from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass, field

from cai.config.stages import GenerateConfig
from cai.data.finished import answers_of, labels_of
from cai.report.diff import changed_share
from cai.store.reader import JournalRecord

CHOSEN = 10

REASONS = {
    "harmful": "The oracle finds the last answer harmful",
    "spoilt": "The oracle finds a right draft spoilt by a revision",
    "largest": "Among those that the revisions changed most",
    "late": "Changed in the last round",
    "uncertain": "Among the labels nearest to one half",
    "flipped": "The verdict flipped with the order of the answers",
    "draft": "The judge prefers the draft to the last revision",
    "turns": "Among the longest conversations",
    "cut": "An answer was cut at the token limit",
    "failed": "Failed",
    "unchanged": "No round changed anything",
}
"""By kind, in the order in which they are served: one of each, then another of each, until there are enough."""


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    key: tuple[float, str]
    record: JournalRecord = field(compare=False)


class Choice:
    """Takes finished records one by one, and a few failed ones; gives at most `CHOSEN` of them.

    Args:
        config: The settings of the stage.
        harmful: Ids of records whose last answer an oracle finds harmful.
        spoilt: Ids of records whose right draft was lost.
    """

    def __init__(self, config: GenerateConfig, harmful: Collection[str] = (), spoilt: Collection[str] = ()) -> None:
        self.config = config
        self._told = {"harmful": frozenset(harmful), "spoilt": frozenset(spoilt)}
        self._best: dict[str, list[_Candidate]] = {kind: [] for kind in REASONS}

    def add(self, record: JournalRecord) -> None:
        """Consider a finished record."""
        for kind, ids in self._told.items():
            if record.prompt.id in ids:
                self._offer(kind, 0.0, record)
        self._by_answers(record)
        self._by_label(record)
        if len(record.prompt.messages) > 1:
            self._offer("turns", -len(record.prompt.messages), record)
        if any(step.body.get("finish_reason") == "length" for step in record.steps.values()):
            self._offer("cut", 0.0, record)

    def add_failed(self, record: JournalRecord) -> None:
        """Consider a record that failed."""
        self._offer("failed", 0.0, record)

    def chosen(self) -> list[tuple[str, JournalRecord]]:
        """(kind, record), each record once, the kinds in turn."""
        found: dict[str, tuple[str, JournalRecord]] = {}
        waiting = {kind: list(best) for kind, best in self._best.items()}
        while len(found) < CHOSEN and any(waiting.values()):
            for kind, best in waiting.items():
                while best and best[0].record.prompt.id in found:
                    best.pop(0)
                if best and len(found) < CHOSEN:
                    record = best.pop(0).record
                    found[record.prompt.id] = (kind, record)
        order = list(REASONS)
        return sorted(found.values(), key=lambda item: order.index(item[0]))

    def _by_answers(self, record: JournalRecord) -> None:
        answers = answers_of(record)
        if len(answers) < 2:
            return
        change = changed_share(answers[0], answers[-1])
        if change:
            self._offer("largest", -change, record)
        elif all(answer == answers[0] for answer in answers):
            self._offer("unchanged", 0.0, record)
        if len(answers) > 2 and answers[-1] != answers[-2]:
            self._offer("late", -changed_share(answers[-2], answers[-1]), record)

    def _by_label(self, record: JournalRecord) -> None:
        for body, label in labels_of(record):
            self._offer("uncertain", abs(label.p_a - 0.5), record)
            if label.flipped:
                self._offer("flipped", 0.0, record)
            if body["source"] == "draft_vs_revision":
                draft_first = body["response_a"] == answers_of(record)[0]
                p_draft = label.p_a if draft_first else 1 - label.p_a
                if p_draft > 0.5:
                    self._offer("draft", -p_draft, record)

    def _offer(self, kind: str, key: float, record: JournalRecord) -> None:
        best = self._best[kind]
        insort(best, _Candidate((key, record.prompt.id), record))
        del best[CHOSEN:]
