"""Counters of a running pipeline, for whoever shows progress. Changed from the event loop only."""

import time
from collections import Counter
from dataclasses import dataclass, field

from cai.records import Usage


@dataclass
class RunStats:
    """What has happened so far in this session.

    `reused` counts steps taken from the journal, `steps` those that ran now, both by stage. `skipped` are records that
    an earlier session had finished.
    """

    total: int | None = None
    phase: str = "starting the engine"
    in_flight: int = 0
    finished: int = 0
    failed: int = 0
    filtered: int = 0
    duplicates: int = 0
    skipped: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    reused: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    started: float = field(default_factory=time.monotonic)
    working_since: float | None = None
    working_s: float = 0.0

    @property
    def done(self) -> int:
        """Records that need no more work, whatever became of them."""
        return self.finished + self.failed + self.filtered + self.duplicates + self.skipped

    @property
    def elapsed_s(self) -> float:
        """Seconds of work so far; starting the engine is not counted."""
        return self.working_s + (time.monotonic() - self.working_since if self.working_since is not None else 0.0)

    def begin_work(self) -> None:
        """The engine is up: the clock starts."""
        self.phase = "generating"
        self.working_since = time.monotonic()

    def end_work(self, phase: str) -> None:
        """The last record is finished: the clock stops."""
        if self.working_since is not None:
            self.working_s += time.monotonic() - self.working_since
            self.working_since = None
        self.phase = phase

    def count(self, stage: str, usage: Usage) -> None:
        """A step ran."""
        self.steps[stage] += 1
        self.usage += usage
