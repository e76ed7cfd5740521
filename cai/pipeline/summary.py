"""What came out of a run, read back from its journal: label statistics, tokens, and the counts of `cai.data.counts`.

These are the figures of `cai generate --json`, the manifest and `cai status`.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from cai.data.counts import RunCounts
from cai.data.finished import finished_records, labels_of, unlabelled_of
from cai.pipeline.stats import RunStats
from cai.store.reader import JournalReader


@dataclass(frozen=True, slots=True)
class LabelStats:
    """Of the labels that stand: how many, the share that flipped with the order, and the mean label mass.

    `unchanged` counts trajectories without a comparison, since both answers were the same.
    """

    labels: int
    unchanged: int
    flip_rate: float | None
    mean_label_mass: float | None


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Tokens and seconds of one session; starting the engine is not counted."""

    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    wall_s: float

    @classmethod
    def of(cls, stats: RunStats) -> "EngineStats":
        """From the counters of the session."""
        return cls(**asdict(stats.usage), wall_s=round(stats.elapsed_s, 3))


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The outcome of a run."""

    run_dir: str
    counts: RunCounts
    by_hazard: dict[str, dict[str, int]]
    steps: dict[str, int]
    reused_steps: int
    labels: LabelStats
    engine: EngineStats

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def label_stats(journal: JournalReader, session: int) -> tuple[LabelStats, dict[str, Counter[str]]]:
    """Label statistics, and by hazard how many records and preferences there are."""
    flips = labels = unchanged = 0
    mass = 0.0
    by_hazard: dict[str, Counter[str]] = {}
    for record in finished_records(journal, session):
        count = by_hazard.setdefault(record.prompt.hazard or "none", Counter())
        count["trajectories"] += 1
        unchanged += unlabelled_of(record) is not None
        for _, label in labels_of(record):
            count["labels"] += 1
            labels += 1
            flips += label.flipped
            mass += label.label_mass
    stats = LabelStats(labels, unchanged, flips / labels if labels else None, mass / labels if labels else None)
    return stats, by_hazard
