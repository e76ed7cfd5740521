"""Counters of labels being made, for whoever shows progress. Changed from the event loop only."""

from dataclasses import dataclass, field

from cai.phase import Phase
from cai.records import Usage


@dataclass
class LabelingStats(Phase):
    """Where the labelling of a file is: `done` of `total` rows, `failed` of them in vain, `known` from earlier."""

    phase: str = "reading the comparisons"
    total: int = 0
    done: int = 0
    failed: int = 0
    known: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def left_s(self) -> float | None:
        """Seconds until the last row, if the rest goes as what was asked; None while nothing is known."""
        return self.rest_s(self.done - self.known, self.total - self.done)
