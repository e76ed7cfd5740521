"""Only what a record's last step says stands counts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cai.data.finished import TRAJECTORY, answers_of, finished_records, labels_of, rounds_of, unlabelled_of
from cai.errors import StorageError
from cai.records import Outcome, Step, Verdict
from cai.store.journal import Journal
from cai.store.reader import JournalRecord, StepKey
from cai.store.run_dir import RunDir

Make = Callable[..., JournalRecord]


def saying(record: JournalRecord, **changed: Any) -> JournalRecord:
    """The same record whose last step says something else."""
    step = record.steps[TRAJECTORY]
    return replace(record, steps=record.steps | {TRAJECTORY: replace(step, body=step.body | changed)})


def with_step(record: JournalRecord, key: StepKey, **body: Any) -> JournalRecord:
    step = Step(record.prompt.id, *key, "asked", "done", body)
    return replace(record, steps=record.steps | {key: step})


def test_the_answers_are_those_of_the_rounds_that_stand(a_record: Make) -> None:
    record = a_record("Hi", answers=("a", "b", "c"))
    assert answers_of(record) == ["a", "b", "c"]
    rows = record.steps[TRAJECTORY].body["rounds"]
    assert answers_of(saying(record, rounds=rows[:1])) == ["a", "b"]
    assert answers_of(saying(record, rounds=[])) == ["a"]


def test_a_round_without_a_revision_keeps_the_answer(a_record: Make) -> None:
    record = a_record("Hi", answers=("a", "b", "c"))
    verdict = {"violates": False, "severity": 0, "evidence": "", "quoted": False}
    rows = record.steps[TRAJECTORY].body["rounds"]
    found = rounds_of(saying(record, rounds=[rows[0], rows[1] | {"revision": None, "verdict": verdict}]))
    assert [(r.critique, r.revision, r.answer, r.changed) for r in found] == [
        ("hm", "b", "b", True),
        ("hm", None, "b", False),
    ]
    assert found[1].verdict == Verdict(False, 0, "", False)


def test_the_attempt_that_stands_is_read(a_record: Make) -> None:
    record = with_step(a_record("Hi", answers=("a", "b")), StepKey("revision", 1, 1), text="B", finish_reason="stop")
    assert answers_of(record) == ["a", "b"]
    row = record.steps[TRAJECTORY].body["rounds"][0]
    (found,) = rounds_of(saying(record, rounds=[row | {"revision": 1, "flaw": "looping"}]))
    assert (found.answer, found.attempt, found.flaw) == ("B", 1, "looping")


def test_labels_count_as_the_record_says(a_record: Make) -> None:
    record = a_record("Hi", p_a=0.3)
    ((body, label),) = labels_of(record)
    assert label.p_a == 0.3 and body["response_b"] == "best"
    assert labels_of(saying(record, comparisons=[])) == []
    assert unlabelled_of(record) is None
    assert unlabelled_of(saying(record, comparisons=[], unlabelled="equal answers")) == "equal answers"


def test_a_step_that_is_named_and_missing_is_an_error(a_record: Make) -> None:
    record = a_record("Hi")
    with pytest.raises(StorageError, match="label 5"):
        labels_of(saying(record, comparisons=[5]))
    without = {key: step for key, step in record.steps.items() if key != StepKey("revision", 2, 0)}
    with pytest.raises(StorageError, match="revision 2"):
        answers_of(replace(record, steps=without))


def test_a_record_that_is_not_finished_shows_how_far_it_came(a_record: Make) -> None:
    record = a_record("Hi", answers=("a", "b", "c"))
    steps = {key: step for key, step in record.steps.items() if key != TRAJECTORY and key.round < 2}
    assert answers_of(replace(record, steps=steps)) == ["a", "b"]
    assert rounds_of(replace(record, steps=steps))[0].principle_ids == ("principle-1",)
    assert labels_of(replace(record, steps=steps)) == []
    assert answers_of(replace(record, steps={})) == []


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
