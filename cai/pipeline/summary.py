"""What came out of a run, read back from its journal: counts, label statistics, tokens.

These are the figures of `cai generate --json`, the manifest and `cai status`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cai.config.stages import GenerateConfig
from cai.data.export import DatasetCounts
from cai.pipeline.stats import RunStats
from cai.records import Label
from cai.store.reader import JournalReader, JournalRecord, StepKey


@dataclass(frozen=True, slots=True)
class RunCounts:
    """`prompts == trajectories + filtered + failed` once a run is finished; until then the rest is `owed`."""

    prompts: int
    trajectories: int
    filtered: int
    failed: int
    owed: int
    sft_rows: int
    preference_rows: int
    filtered_reasons: dict[str, int]
    failed_reasons: dict[str, int]


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


def count_run(journal: JournalReader, session: int, rows: DatasetCounts | None) -> RunCounts:
    """The counts of a session; places that repeat a prompt count as prompts, filtered as duplicates."""
    counts = journal.counts(session)
    filtered = dict(counts.filtered)
    if counts.duplicates:
        filtered["duplicate"] = filtered.get("duplicate", 0) + counts.duplicates
    return RunCounts(
        prompts=counts.prompts + counts.duplicates,
        trajectories=counts.trajectories,
        filtered=sum(filtered.values()),
        failed=sum(counts.failed.values()),
        owed=counts.owed,
        sft_rows=rows.sft_train + rows.sft_eval if rows else 0,
        preference_rows=rows.preference_train + rows.preference_eval if rows else 0,
        filtered_reasons=filtered,
        failed_reasons=dict(counts.failed),
    )


def finished_records(journal: JournalReader, session: int) -> Iterator[JournalRecord]:
    """The records of a session that ended as trajectories under its plan; those of an earlier plan are owed again."""
    plan = next((found.plan for found in journal.sessions() if found.number == session), None)
    for record in journal.records(session):
        if record.outcome and record.outcome.status == "trajectory" and record.outcome.plan == plan:
            yield record


def answers_of(record: JournalRecord, config: GenerateConfig) -> list[str]:
    """The draft and the revision of each round."""
    keys = [StepKey("draft", 0, 0), *(StepKey("revision", index, 0) for index in range(1, config.rounds + 1))]
    return [record.steps[key].body["text"] for key in keys if key in record.steps]


def label_of(record: JournalRecord, config: GenerateConfig) -> tuple[dict[str, Any], Label] | None:
    """The body of a record's label step and the label in it; None if the record has no comparison.

    A label of answers that no longer stand was left by an earlier configuration, and is none.
    """
    step = record.steps.get(StepKey("label", 0, 0))
    if step is None or step.status != "done" or record.split == "sft":
        return None
    body = step.body
    if body["source"] != config.comparison.source or {body["response_a"], body["response_b"]} != _compared(
        record, config
    ):
        return None
    return body, Label.from_dict(body["label"])


def _compared(record: JournalRecord, config: GenerateConfig) -> set[str]:
    if config.comparison.source == "sampled":
        sampled = record.steps.get(StepKey("sample", 0, 0))
        return set(sampled.body["texts"]) if sampled else set()
    answers = answers_of(record, config)
    return {answers[0], answers[-1]}


def label_stats(
    journal: JournalReader, session: int, config: GenerateConfig
) -> tuple[LabelStats, dict[str, Counter[str]]]:
    """Label statistics, and by hazard how many records and preferences there are."""
    flips = labels = unchanged = 0
    mass = 0.0
    by_hazard: dict[str, Counter[str]] = {}
    for record in finished_records(journal, session):
        count = by_hazard.setdefault(record.prompt.hazard or "none", Counter())
        count["trajectories"] += 1
        found = label_of(record, config)
        if found is None:
            unchanged += record.split != "sft"
            continue
        label = found[1]
        count["labels"] += 1
        labels += 1
        flips += label.flipped
        mass += label.label_mass
    stats = LabelStats(labels, unchanged, flips / labels if labels else None, mass / labels if labels else None)
    return stats, by_hazard
