"""How far the labelers of an ensemble agree: Cohen's kappa of every two, beyond what chance gives."""

from collections import Counter
from itertools import combinations

from cai.kappa import cohen_kappa
from cai.records import Label


class LabelerAgreement:
    """Counts verdicts label by label; memory depends on the number of labelers, not of labels."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Counter[tuple[str, str]]] = {}

    def add(self, label: Label) -> None:
        """Count a label; one by a single labeler says nothing of agreement."""
        by_labeler: dict[str, list[float]] = {}
        for vote in label.votes:
            by_labeler.setdefault(vote.labeler, []).append(vote.p_a)
        verdicts = {name: _verdict(votes) for name, votes in sorted(by_labeler.items())}
        for one, other in combinations(verdicts, 2):
            self._said.setdefault((one, other), Counter())[verdicts[one], verdicts[other]] += 1

    @property
    def kappas(self) -> dict[tuple[str, str], float | None]:
        """Cohen's kappa of every two labelers over better, worse and undecided; None where it is not defined."""
        return {pair: cohen_kappa(said.elements()) for pair, said in self._said.items()}

    @property
    def kappa(self) -> float | None:
        """The mean over all pairs of labelers for which it is defined; None if there is none."""
        found = [kappa for kappa in self.kappas.values() if kappa is not None]
        return sum(found) / len(found) if found else None

    @property
    def same(self) -> float | None:
        """The share of verdicts, over all pairs of labelers, that are the same; None without any."""
        total = sum(said.total() for said in self._said.values())
        equal = sum(n for said in self._said.values() for (one, other), n in said.items() if one == other)
        return equal / total if total else None


def _verdict(votes: list[float]) -> str:
    mean = sum(votes) / len(votes)
    return "a" if mean > 0.5 else "b" if mean < 0.5 else "-"
