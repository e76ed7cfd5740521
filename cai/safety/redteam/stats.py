"""Counters of red teaming under way, for whoever shows progress. Changed from the event loop only."""

from dataclasses import dataclass, field

from cai.phase import Phase
from cai.records import Usage


@dataclass
class RedteamStats(Phase):
    """`kept` of `wanted` prompts after `tries` tries; `usage` is what the model took."""

    phase: str = "reading the seeds"
    wanted: int = 0
    kept: int = 0
    tries: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def left_s(self) -> float | None:
        """Seconds until the last prompt, if the rest goes as what went; None while nothing is known."""
        return self.rest_s(self.kept, self.wanted - self.kept)
