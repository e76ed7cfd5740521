"""How far people agree with each other, and each of them with the AI."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from cai.feedback.store import Verdict
from cai.kappa import cohen_kappa, krippendorff_alpha


@dataclass(frozen=True, slots=True)
class Person:
    """One who is named: judgements, and the shares in which their decided ones agree with the AI and with others."""

    annotator: str
    judgements: int
    with_ai: float | None
    with_others: float | None


@dataclass(slots=True)
class People:
    """How people agree with each other: over pairs of their judgements of one comparison, ties counted as an answer.

    `cohen_kappa` is there if exactly two named people judged, `krippendorff_alpha` for any number.
    """

    annotators: int = 0
    judged_by_several: int = 0
    agreement: float | None = None
    cohen_kappa: float | None = None
    krippendorff_alpha: float | None = None
    persons: tuple[Person, ...] = ()


class PeopleCount:
    """Gathers what `People` says while verdicts stream by; it grows with the comparisons that several people judged."""

    def __init__(self) -> None:
        self.judged = 0
        self.judgements = 0
        self._units: list[tuple[float, ...]] = []
        self._pairs: list[tuple[float, float]] = []
        self._everyone: Counter[tuple[str, bool]] = Counter()
        self._persons: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, verdict: Verdict) -> None:
        """Count the judgements of one comparison."""
        self.judged += 1
        self.judgements += len(verdict.votes)
        self._everyone.update((vote.annotator, vote.named) for vote in verdict.votes)
        if len(verdict.votes) < 2:
            return
        self._units.append(tuple(vote.p_a for vote in verdict.votes))
        # Votes are ordered by annotator, so that of two people the same one always comes first.
        for one, other in combinations(verdict.votes, 2):
            self._pairs.append((one.p_a, other.p_a))
            for vote in (one, other):
                self._persons[vote.annotator]["pairs"] += 1
                self._persons[vote.annotator]["with_others"] += one.p_a == other.p_a

    def add_with_ai(self, verdict: Verdict, ai_prefers: str) -> None:
        """Count whether each named person prefers what the AI prefers.

        Args:
            verdict: What people said.
            ai_prefers: Hash of the answer that the AI prefers.
        """
        ai_a = ai_prefers == verdict.a_hash
        for vote in verdict.votes:
            if vote.named and vote.p_a != 0.5:
                self._persons[vote.annotator]["decided"] += 1
                self._persons[vote.annotator]["with_ai"] += (vote.p_a > 0.5) == ai_a

    def people(self) -> People:
        """The figures so far."""
        named = sorted(annotator for annotator, is_named in self._everyone if is_named)
        two = len(named) == len(self._everyone) == 2
        same = sum(one == other for one, other in self._pairs)
        return People(
            annotators=len(named),
            judged_by_several=len(self._units),
            agreement=same / len(self._pairs) if self._pairs else None,
            cohen_kappa=cohen_kappa(self._pairs) if two else None,
            krippendorff_alpha=krippendorff_alpha(self._units),
            persons=tuple(_person(name, self._everyone[name, True], self._persons[name]) for name in named),
        )


def _person(name: str, judgements: int, counts: Counter[str]) -> Person:
    with_ai = counts["with_ai"] / counts["decided"] if counts["decided"] else None
    return Person(name, judgements, with_ai, counts["with_others"] / counts["pairs"] if counts["pairs"] else None)
