"""What an oracle says of a run, as plain values: whoever knows one hands them in. The report knows no oracle itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RevisionFigures:
    """Shares of the answers after so many revisions; 0 is the draft, None a share of nothing."""

    revision: int
    harm_rate: float | None
    good_refusal_rate: float | None
    benign_answered_rate: float | None


@dataclass(frozen=True, slots=True)
class OracleFigures:
    """The truth about one run.

    `found` is, by principle, how many critiques there were and how many of them said that the principle was broken;
    `harmful_at_the_end` and `spoilt` are ids of records whose last answer is harmful, or whose right draft was lost.
    """

    by_revision: tuple[RevisionFigures, ...]
    label_accuracy: float | None = None
    verdict_accuracy: float | None = None
    found: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    harmful_at_the_end: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()


Oracle = Callable[[Path], OracleFigures | None]
"""Asked about a run directory; None if it knows nothing of it."""


def no_oracle(_: Path) -> None:
    """For worlds in which nobody knows the truth."""
