"""How far an import is, for whoever shows it. Changed by the import only."""

from dataclasses import dataclass

from cai.phase import Phase


@dataclass
class ImportProgress(Phase):
    """`done` of the rows of the present phase; `total` is known once the file has been read whole."""

    phase: str = "checking the rows"
    done: int = 0
    total: int | None = None

    def begin(self, phase: str) -> None:
        """The next phase over the same rows; the clock starts anew."""
        self.enter(phase)
        self.done = 0

    @property
    def left_s(self) -> float | None:
        """Seconds until the last row of the phase, if the rest goes as what is done; None while nothing is known."""
        return self.rest_s(self.done, self.total - self.done) if self.total else None
