"""Counts reconcile: every prompt is a trajectory, filtered, failed, or still owed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cai.data.counts import count_run
from cai.data.export import DatasetCounts
from cai.records import Outcome, OutcomeStatus
from cai.store.journal import Journal
from cai.store.reader import JournalRecord
from cai.store.run_dir import RunDir


def test_counts_reconcile(a_record: Callable[..., JournalRecord], journal_of: Callable[..., RunDir]) -> None:
    def ended(text: str, status: OutcomeStatus, reason: str | None, plan: str = "plan") -> JournalRecord:
        record = a_record(text)
        return replace(record, outcome=Outcome(record.prompt.id, status, reason, plan))

    records = [
        a_record("1"),
        a_record("2"),
        a_record("4"),
        ended("3", "trajectory", None, "before"),
        ended("5", "failed", "empty draft"),
        ended("6", "failed", "empty draft"),
        ended("7", "filtered", "too long"),
    ]
    run = journal_of(records)

    async def read_again(writer: Journal) -> None:
        session = await writer.begin_session("plan")
        for record in records:
            await writer.add_prompt(record.prompt, "train", session)
        await writer.add_duplicate("x:9", records[0].prompt.id)
        await writer.flush()

    with Journal.open(run.journal_path) as writer:
        asyncio.run(read_again(writer))
    with Journal.read_only(run.journal_path) as journal:
        counts = count_run(journal, 2, DatasetCounts(3, 5, 1, 2, 1, {"looping": 4}, {"tie": 2}, 3))
        without_rows = count_run(journal, 2, None)
    assert (counts.prompts, counts.trajectories, counts.filtered, counts.failed, counts.owed) == (8, 3, 2, 2, 1)
    assert counts.prompts == counts.trajectories + counts.filtered + counts.failed + counts.owed
    assert counts.filtered_reasons == {"too long": 1, "duplicate": 1}
    assert counts.failed_reasons == {"empty draft": 2}
    assert (counts.sft_rows, counts.preference_rows) == (6, 3)
    assert counts.masked_rows == 3
    assert (counts.sft_left_out, counts.preference_left_out) == ({"looping": 4}, {"tie": 2})
    assert without_rows.sft_rows == 0
