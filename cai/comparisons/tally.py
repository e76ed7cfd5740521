"""Counts labels one by one: how right, how steady, how sure they are, and what the judge likes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cai.comparisons.agreement import LabelerAgreement
from cai.comparisons.given import Side
from cai.records import Comparison, Label


@dataclass
class Tally:
    """Figures of the labels of one file by one method."""

    labels: int = 0
    ties: int = 0
    ordered: int = 0
    flips: int = 0
    mass_sum: float = 0.0
    known: int = 0
    right: float = 0.0
    different_length: int = 0
    longer_preferred: int = 0
    known_different_length: int = 0
    longer_right: int = 0
    spread_sum: float = 0.0
    spreads: int = 0
    agreement: LabelerAgreement = field(default_factory=LabelerAgreement)
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, comparison: Comparison, label: Label, right: Side | None) -> None:
        """Count a label; `right` is the better answer, if somebody knows it."""
        self.labels += 1
        self.ordered += any(vote.order == "ba" for vote in label.votes)
        self.flips += label.flipped
        self.mass_sum += label.label_mass
        self.agreement.add(label)
        if label.spread is not None:
            self.spreads += 1
            self.spread_sum += label.spread
        a_longer = len(comparison.response_a.split()) - len(comparison.response_b.split())
        if label.p_a == 0.5:
            self.ties += 1
        elif a_longer:
            self.different_length += 1
            self.longer_preferred += (label.p_a > 0.5) == (a_longer > 0)
        if right is None:
            return
        self.known += 1
        # A tie is as good as a coin.
        self.right += 0.5 if label.p_a == 0.5 else float((label.p_a > 0.5) == (right == "a"))
        if a_longer:
            self.known_different_length += 1
            self.longer_right += (right == "a") == (a_longer > 0)

    def figures(self) -> dict[str, Any]:
        """Counts and shares as plain values; a share of nothing is None.

        `accuracy`: of the labels whose right answer is known, a tie counting one half. `flip_rate`: of those that were
        asked in both orders; ratings are not. `longer_preferred`: of the
        decided labels whose answers differ in their number of words, how often the longer one won; `longer_right`: how
        often it was the right one. `kappa`: mean over every two labelers. `spread`: mean standard deviation.
        """
        return {
            "labels": self.labels,
            "ties": self.ties,
            "failed": self.failed.total(),
            "failures": dict(self.failed.most_common()),
            "known": self.known,
            "accuracy": _share(self.right, self.known),
            "flip_rate": _share(self.flips, self.ordered),
            "label_mass": _share(self.mass_sum, self.labels),
            "longer_preferred": _share(self.longer_preferred, self.different_length),
            "longer_right": _share(self.longer_right, self.known_different_length),
            "labelers_agree": self.agreement.same,
            "kappa": self.agreement.kappa,
            "kappas": _by_name(self.agreement.kappas),
            "spread": _share(self.spread_sum, self.spreads),
        }


def _by_name(kappas: Mapping[tuple[str, str], float | None]) -> dict[str, float | None]:
    return {f"{one} {other}": kappa for (one, other), kappa in kappas.items()}


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
