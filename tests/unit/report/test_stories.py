"""The story of a record says what happened, in order, with the change marked."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from cai.config.stages import GenerateConfig
from cai.data.finished import TRAJECTORY
from cai.records import Message, Outcome, Prompt
from cai.report.stories import Story, story
from cai.store.reader import JournalRecord, StepKey

CONFIG = GenerateConfig(rounds=2)
SAMPLED = GenerateConfig.model_validate({"rounds": 0, "comparison": {"source": "sampled"}})


@pytest.fixture
def tell(report_folders: ModuleType) -> Any:
    def one(number: int, config: GenerateConfig = CONFIG, kind: str = "largest", **fields: Any) -> Story:
        prompt, steps = report_folders.record(number, config)
        keyed = {StepKey(step.stage, step.round, step.attempt): step for step in steps}
        record = JournalRecord(prompt, "train", Outcome(prompt.id, "trajectory", None, "plan"), keyed)
        return story(replace(record, **fields), kind, config, {"principle-3": "Be kind."})

    return one


def test_a_round_that_changed_the_answer_is_marked(tell: Any) -> None:
    told = tell(2)
    first, second = told.rounds
    assert (first.before, first.principle, first.statement) == ("draft", "principle-3", "Be kind.")
    assert first.critique == "The answer keeps the principle."
    assert [piece.kind for piece in first.change.before] == ["gone", "same", "gone"]
    assert "".join(piece.text for piece in first.change.after).startswith("I cannot help 2 times")
    assert second.change is None and told.unchanged == (second,)
    assert told.label.verdict == "The judge finds the last revision better with probability 0.770"
    assert told.label.details == "under principle-2; label mass 0.700"


def test_each_round_begins_with_the_answer_that_stood(tell: Any) -> None:
    assert [found.before for found in tell(4).rounds] == ["draft", "revision 1"]
    assert [found.before for found in tell(3).rounds] == ["draft", "draft"]


def test_a_conversation_is_shown_whole_and_one_question_once(tell: Any) -> None:
    assert [turn.role for turn in tell(5).turns] == ["user", "assistant", "user"]
    assert tell(5).needs_turns
    assert not tell(1).needs_turns and tell(1).heading == "Question 1: how do I do it?"
    long = Prompt.of((Message("user", "word " * 100),), "x")
    assert tell(1, prompt=long).needs_turns


def test_a_record_without_a_comparison(tell: Any) -> None:
    told = tell(3)
    assert told.label is None and len(told.unchanged) == 2
    assert told.unlabelled == "No comparison: the two answers are the same."
    assert tell(2).unlabelled == ""


def test_samples_are_shown_by_verdict(tell: Any) -> None:
    told = tell(1, SAMPLED)
    assert [heading for heading, _ in told.label.answers] == ["Chosen", "Rejected"]
    assert told.label.answers[0][1].startswith("Sample two")
    assert "probability 0.870" in told.label.verdict


def test_a_failed_record_says_why_and_may_have_no_draft(tell: Any) -> None:
    outcome = Outcome("x", "failed", "too \x1b long", "plan")
    told = tell(1, kind="failed", outcome=outcome, steps={})
    assert told.reason == "Failed: too ⟨U+001B⟩ long"
    assert (told.draft, told.rounds, told.label) == (None, (), None)


def test_a_revision_without_a_critique(tell: Any, report_folders: ModuleType) -> None:
    _, steps = report_folders.record(2, CONFIG)
    keyed = {StepKey(s.stage, s.round, s.attempt): s for s in steps if s.stage != "critique"}
    last = keyed[TRAJECTORY]
    rows = [row | {"critique": False} for row in last.body["rounds"]]
    told = tell(2, steps=keyed | {TRAJECTORY: replace(last, body=last.body | {"rounds": rows})})
    assert [found.critique for found in told.rounds] == [None, None]
    assert told.rounds[0].principle == "principle-3"


def test_verdict_further_draws_and_flaws_are_told(tell: Any, report_folders: ModuleType) -> None:
    _, steps = report_folders.record(2, CONFIG)
    keyed = {StepKey(s.stage, s.round, s.attempt): s for s in steps}
    keyed[StepKey("revision", 1, 1)] = keyed[StepKey("revision", 1, 0)]
    last = keyed[TRAJECTORY]
    first, second = last.body["rounds"]
    broken = {"violates": True, "severity": 3, "evidence": "do it", "quoted": False}
    first = first | {"revision": 1, "flaw": "non_compliant", "verdict": broken}
    second = second | {"revision": None, "verdict": broken | {"violates": False}}
    told = tell(2, steps=keyed | {TRAJECTORY: replace(last, body=last.body | {"rounds": [first, second]})})
    assert told.rounds[0].remarks == (
        "verdict: violation of severity 3, evidence do it (not in the answer)",
        "revision drawn 2 times",
        "flaw that stayed: non compliant",
    )
    assert told.rounds[1].remarks == ("verdict: compliant; no revision was needed",)
    assert told.rounds[1].change is None
