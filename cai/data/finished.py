"""What a finished record says: which records count, their answers, and the label that stands.

The datasets, the figures of a run, the sandbox's oracle and the report all read records through these rules, so that
none of them counts what an earlier configuration left in the journal.
"""

from collections.abc import Iterator
from typing import Any

from cai.config.stages import GenerateConfig
from cai.records import Label
from cai.store.reader import JournalReader, JournalRecord, StepKey


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
