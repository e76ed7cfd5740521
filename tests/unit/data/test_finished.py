"""Only what stands under the present configuration counts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cai.config.stages import GenerateConfig
from cai.data.finished import answers_of, finished_records, label_of
from cai.records import Outcome, Step
from cai.store.journal import Journal
from cai.store.reader import JournalRecord, StepKey
from cai.store.run_dir import RunDir

Make = Callable[..., JournalRecord]
SAMPLED = GenerateConfig.model_validate({"rounds": 0, "comparison": {"source": "sampled"}})


def comparing(record: JournalRecord, a: str, b: str, source: str) -> JournalRecord:
    """The same record with a label of these answers, and two samples."""
    key = StepKey("label", 0, 0)
    label = record.steps[key]
    body = label.body | {"response_a": a, "response_b": b, "source": source}
    sample = Step(record.prompt.id, "sample", 0, 0, "asked", "done", {"texts": ["one", "two"]})
    return replace(record, steps=record.steps | {key: replace(label, body=body), StepKey("sample", 0, 0): sample})


def test_the_answers_are_those_of_the_configured_rounds(a_record: Make) -> None:
    record = a_record("Hi", answers=("a", "b", "c"))
    assert answers_of(record, GenerateConfig(rounds=2)) == ["a", "b", "c"]
    assert answers_of(record, GenerateConfig(rounds=1)) == ["a", "b"]


def test_a_label_counts_only_while_its_answers_stand(a_record: Make, config: GenerateConfig) -> None:
    record = a_record("Hi", p_a=0.3)
    found = label_of(record, config)
    assert found is not None
    assert found[1].p_a == 0.3 and found[0]["response_b"] == "best"
    assert label_of(comparing(record, "best", "bad", "draft_vs_revision"), config) is not None
    assert label_of(comparing(record, "best", "better", "draft_vs_revision"), config) is None
    assert label_of(comparing(record, "best", "bad", "sampled"), config) is None
    assert label_of(record, GenerateConfig(rounds=1)) is None
    assert label_of(replace(record, split="sft"), config) is None
    failed = replace(record.steps[StepKey("label", 0, 0)], status="failed")
    assert label_of(replace(record, steps=record.steps | {StepKey("label", 0, 0): failed}), config) is None


@pytest.mark.parametrize(
    ("a", "b", "source", "stands"),
    [
        ("two", "one", "sampled", True),
        ("two", "three", "sampled", False),
        ("two", "one", "draft_vs_revision", False),
    ],
)
def test_a_label_of_samples_counts_while_they_stand(a: str, b: str, source: str, stands: bool, a_record: Make) -> None:
    assert (label_of(comparing(a_record("Hi"), a, b, source), SAMPLED) is not None) == stands


def test_a_label_without_samples_is_none(a_record: Make) -> None:
    record = comparing(a_record("Hi"), "two", "one", "sampled")
    steps = {key: step for key, step in record.steps.items() if key.stage != "sample"}
    assert label_of(replace(record, steps=steps), SAMPLED) is None


def test_only_records_of_the_present_plan_are_finished(a_record: Make, journal_of: Callable[..., RunDir]) -> None:
    def ended(text: str, *how: Any) -> JournalRecord:
        record = a_record(text)
        return replace(record, outcome=Outcome(record.prompt.id, *how) if how else None)

    records = [
        a_record("1"),
        ended("2"),
        ended("3", "trajectory", None, "an older plan"),
        ended("4", "failed", "empty draft", "plan"),
        ended("5", "filtered", "too long", "plan"),
        a_record("6"),
    ]
    with Journal.read_only(journal_of(records).journal_path) as journal:
        assert {record.prompt.messages[0].content for record in finished_records(journal, 1)} == {"1", "6"}
        assert list(finished_records(journal, 2)) == []
