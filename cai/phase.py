"""The phase that long work is in, and its clock, for whoever shows progress. Changed by the work alone."""

import time
from dataclasses import dataclass, field


@dataclass
class Phase:
    """What is being done, and since when; what counts the pieces of a certain work builds on it."""

    phase: str
    since: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """The next phase; the clock starts anew."""
        self.phase = phase
        self.since = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds of the present phase."""
        return time.monotonic() - self.since

    @property
    def left_s(self) -> float | None:
        """Seconds until the phase ends, if the rest goes as what went; None while nothing is known."""
        return None

    def rest_s(self, done: int, rest: int) -> float | None:
        """Seconds for `rest` pieces, if they go as the `done` ones went; None while nothing is known."""
        return rest * self.elapsed_s / done if done else None
