"""Counters of red teaming under way, for whoever shows progress. Changed from the event loop only."""

import time
from dataclasses import dataclass, field

from cai.records import Usage


@dataclass
class RedteamStats:
    """`kept` of `wanted` prompts after `tries` tries; `usage` is what the model took."""

    phase: str = "reading the seeds"
    wanted: int = 0
    kept: int = 0
    tries: int = 0
    usage: Usage = field(default_factory=Usage)
    since: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.since

    @property
    def left_s(self) -> float | None:
        """Seconds until the last prompt, if the rest goes as what went; None while nothing is known."""
        return (self.wanted - self.kept) * self.elapsed_s / self.kept if self.kept else None
