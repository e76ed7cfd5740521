"""How far an import is, for whoever shows it. Changed by the import only."""

import time
from dataclasses import dataclass, field


@dataclass
class ImportProgress:
    """`done` of the rows of the present phase; `total` is known once the file has been read whole."""

    phase: str = "checking the rows"
    done: int = 0
    total: int | None = None
    since: float = field(default_factory=time.monotonic)

    def begin(self, phase: str) -> None:
        """The next phase over the same rows; the clock starts anew."""
        self.phase = phase
        self.done = 0
        self.since = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds of the present phase."""
        return time.monotonic() - self.since

    @property
    def left_s(self) -> float | None:
        """Seconds until the last row of the phase, if the rest goes as what is done; None while nothing is known."""
        return (self.total - self.done) * self.elapsed_s / self.done if self.total and self.done else None
