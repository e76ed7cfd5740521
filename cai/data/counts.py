"""How the prompts of a run ended, by number: what its manifest, `cai status` and the report say."""

from dataclasses import dataclass, field

from cai.data.export import DatasetCounts
from cai.store.reader import JournalReader

ROW_COUNTS = ("sft_rows", "preference_rows", "sft_left_out", "preference_left_out", "masked_rows")
"""Counts that are known when the datasets are written."""


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
    sft_left_out: dict[str, int] = field(default_factory=dict)
    """Rows that filters left out of the dataset, by reason."""
    preference_left_out: dict[str, int] = field(default_factory=dict)
    """The same, with ties and near ties."""
    masked_rows: int = 0
    """Rows of both datasets in which personal data was masked."""


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
        sft_left_out=dict(rows.sft_left_out) if rows else {},
        preference_left_out=dict(rows.preference_left_out) if rows else {},
        masked_rows=rows.masked if rows else 0,
    )
