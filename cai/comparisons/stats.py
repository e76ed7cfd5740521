"""Counters of labels being made, for whoever shows progress. Changed from the event loop only."""

import time
from dataclasses import dataclass, field

from cai.records import Usage


@dataclass
class LabelingStats:
    """Where the labelling of a file is: `done` of `total` rows, `failed` of them in vain, `known` from earlier."""

    phase: str = "reading the comparisons"
    total: int = 0
    done: int = 0
    failed: int = 0
    known: int = 0
    usage: Usage = field(default_factory=Usage)
    since: float = field(default_factory=time.monotonic)

    def begin(self, phase: str) -> None:
        """The next phase; the clock starts anew."""
        self.phase = phase
        self.since = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds of the present phase."""
        return time.monotonic() - self.since

    @property
    def left_s(self) -> float | None:
        """Seconds until the last row, if the rest goes as what was asked; None while nothing is known."""
        asked = self.done - self.known
        return (self.total - self.done) * self.elapsed_s / asked if asked else None
