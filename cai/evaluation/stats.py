"""Counters of a running evaluation, for whoever shows progress. Changed from the event loop only."""

from dataclasses import dataclass, field

from cai.phase import Phase
from cai.records import Usage


@dataclass
class EvaluationStats(Phase):
    """Where an evaluation is: `done` of `total` pieces of the present phase, `failed` of them in vain."""

    phase: str = "reading the prompts"
    total: int = 0
    done: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)

    def begin(self, phase: str, total: int = 0) -> None:
        """The next phase; its clock starts."""
        self.enter(phase)
        self.total, self.done, self.failed = total, 0, 0
        self.usage = Usage()

    def count(self, usage: Usage, *, failed: bool = False) -> None:
        """A piece is finished."""
        self.done += 1
        self.failed += failed
        self.usage += usage

    @property
    def left_s(self) -> float | None:
        """Seconds until the phase ends, if the rest goes as what went; None while nothing is known."""
        return self.rest_s(self.done, self.total - self.done)
