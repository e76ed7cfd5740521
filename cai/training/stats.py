"""Counters of a running training, for whoever shows progress, and for the summary. Nothing heavy is imported here."""

import time
from dataclasses import dataclass, field


@dataclass
class TrainStats:
    """What has happened so far.

    `step` counts from the very first one, `tokens` and `seconds_before` include what an earlier session of a resumed
    training did. `phase` is what goes on now, in words. `heldout` are the last figures on held-out rows, taken at
    `heldout_step`.
    """

    phase: str = "loading"
    step: int = 0
    total_steps: int | None = None
    first_step: int = 0
    epoch: float = 0.0
    loss: float | None = None
    accuracy: float | None = None
    tokens: int = 0
    tokens_before: int = 0
    seconds_before: float = 0.0
    heldout: dict[str, float | None] = field(default_factory=dict)
    heldout_step: int | None = None
    started: float = field(default_factory=time.monotonic)
    training_since: float | None = None
    trained_s: float = 0.0

    def begin(self, total_steps: int, first_step: int) -> None:
        """The first step is about to be taken: the clock starts."""
        self.phase = "training"
        self.total_steps = total_steps
        self.step = self.first_step = first_step
        self.training_since = time.monotonic()

    def end(self, phase: str) -> None:
        """The last step has been taken: the clock stops."""
        self.trained_s = self.elapsed_s
        self.training_since = None
        self.phase = phase

    @property
    def waiting_s(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.started

    @property
    def elapsed_s(self) -> float:
        """Seconds of training in this session; loading and measuring are not counted."""
        return self.trained_s + (time.monotonic() - self.training_since if self.training_since is not None else 0.0)

    @property
    def seconds(self) -> float:
        """Seconds of training in all sessions."""
        return self.seconds_before + self.elapsed_s

    @property
    def tokens_per_s(self) -> float | None:
        """Rate of this session; None while nothing is known."""
        elapsed = self.elapsed_s
        return (self.tokens - self.tokens_before) / elapsed if elapsed > 0 else None

    @property
    def left_s(self) -> float | None:
        """Seconds until the last step, if the rest goes as what went; None while nothing is known."""
        done = self.step - self.first_step
        if not done or self.total_steps is None or self.training_since is None:
            return None
        return (self.total_steps - self.step) * self.elapsed_s / done
