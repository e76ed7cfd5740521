"""Which records are chosen: the same whatever their order, each for its reason, never twice."""

import random
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest

from cai.config.stages import GenerateConfig
from cai.records import Outcome
from cai.report.trajectories import CHOSEN, REASONS, Choice
from cai.store.reader import JournalRecord, StepKey

CONFIG = GenerateConfig(rounds=2)
Make = Callable[[int], JournalRecord]


@pytest.fixture
def make(report_folders: ModuleType) -> Make:
    def one(number: int) -> JournalRecord:
        prompt, steps = report_folders.record(number, CONFIG)
        keyed = {StepKey(step.stage, step.round, step.attempt): step for step in steps}
        return JournalRecord(prompt, "train", Outcome(prompt.id, "trajectory", None, "plan"), keyed)

    return one


def chosen(records: list[JournalRecord], **told: tuple[str, ...]) -> list[tuple[str, str]]:
    choice = Choice(CONFIG, **told)
    for record in records:
        choice.add(record)
    return [(kind, record.prompt.id) for kind, record in choice.chosen()]


def test_the_choice_does_not_depend_on_the_order(make: Make) -> None:
    records = [make(number) for number in range(60)]
    expected = chosen(records)
    for seed in range(3):
        random.Random(seed).shuffle(records)
        assert chosen(records) == expected
    ids = [record_id for _, record_id in expected]
    assert len(ids) == len(set(ids)) == CHOSEN


def test_every_kind_has_its_turn(make: Make) -> None:
    kinds = [kind for kind, _ in chosen([make(number) for number in range(60)])]
    assert set(kinds) == {"largest", "late", "uncertain", "flipped", "draft", "turns", "cut", "unchanged"}
    assert kinds == sorted(kinds, key=list(REASONS).index)


def test_what_an_oracle_names_comes_first(make: Make) -> None:
    records = [make(number) for number in range(30)]
    found = chosen(records, harmful=(records[9].prompt.id,), spoilt=(records[8].prompt.id,))
    assert found[:2] == [("harmful", records[9].prompt.id), ("spoilt", records[8].prompt.id)]


def test_a_failed_record_is_among_them(make: Make) -> None:
    choice = Choice(CONFIG)
    failed = replace(make(1), outcome=Outcome(make(1).prompt.id, "failed", "why", "plan"))
    choice.add(make(2))
    choice.add_failed(failed)
    assert ("failed", failed) in choice.chosen()


def test_few_records_are_all_chosen_once(make: Make) -> None:
    assert len(chosen([make(2), make(3)])) == 2
    assert chosen([]) == []


def test_only_so_many_of_each_kind_are_kept(make: Make) -> None:
    choice = Choice(CONFIG)
    for number in range(200):
        choice.add(make(number))
    assert max(len(best) for best in choice._best.values()) == CHOSEN


def test_the_kinds_are_what_they_say(make: Make) -> None:
    records = {record.prompt.id: record for record in map(make, range(60))}
    for kind, record_id in chosen(list(records.values())):
        steps = records[record_id].steps
        answers = [
            steps[key].body["text"] for key in (StepKey("draft", 0, 0), *(StepKey("revision", i, 0) for i in (1, 2)))
        ]
        if kind == "late":
            assert answers[2] != answers[1]
        if kind == "unchanged":
            assert len(set(answers)) == 1
        if kind == "flipped":
            assert steps[StepKey("label", 0, 0)].body["label"]["flipped"]
        if kind == "turns":
            assert len(records[record_id].prompt.messages) == 3
        if kind == "cut":
            assert steps[StepKey("revision", 1, 0)].body["finish_reason"] == "length"
