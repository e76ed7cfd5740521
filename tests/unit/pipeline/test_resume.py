"""What a second session does: nothing that is done, and all that a change of the files has made owed again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from cai.pipeline.stats import RunStats
from cai.resources import resource

STAGES = ("draft", "critique", "revision", "label")


@pytest.fixture
def finished(workshop: Any) -> Any:
    """A run that is done, with prompts of its own folder."""
    prompts = Path(shutil.copytree(resource("prompts"), workshop.folder / "prompts"))
    workshop.go(prompts_dir=str(prompts))
    return workshop


def ids_of(workshop: Any, name: str, *, first_round: int | None = None) -> set[str]:
    """Records whose critique drew a principle, in a certain round or in any."""
    found = set()
    for record in workshop.records().values():
        drawn = {k.round: s.body["principle_ids"][0] for k, s in record.steps.items() if k.stage == "critique"}
        if name in drawn.values() and first_round in (None, min(r for r, one in drawn.items() if one == name)):
            found.add(record.prompt.id)
    return found


def labelled_by(workshop: Any, name: str) -> set[str]:
    return {
        record.prompt.id
        for record in workshop.records().values()
        if ("label", 0, 0) in record.steps
        and name in {vote["principle_id"] for vote in record.steps["label", 0, 0].body["label"]["votes"]}
    }


def test_nothing_that_is_done_is_asked_again(finished: Any) -> None:
    before = finished.datasets()
    summary = finished.go()
    assert finished.calls() == []
    assert summary.steps == {}
    assert summary.counts.trajectories == 12
    assert finished.datasets() == before


def test_what_an_earlier_session_did_counts_in_the_summary(finished: Any) -> None:
    summary = finished.go()
    assert summary.labels.labels + summary.labels.unchanged == 12
    assert summary.counts.preference_rows == summary.labels.labels


@pytest.mark.parametrize("changed", [{"max_in_flight": 1}, {"sft": {"revisions": "final"}}])
def test_how_work_is_done_or_shown_changes_no_answer(finished: Any, changed: dict[str, Any]) -> None:
    stats = RunStats()
    assert finished.go(stats, **changed).counts.trajectories == 12
    assert finished.calls() == []
    # They are not even gone through step by step.
    assert (stats.skipped, stats.reused) == (12, {})


def test_an_edited_critique_asks_just_the_records_that_drew_it(finished: Any) -> None:
    affected = ids_of(finished, "kind")
    from_the_first = ids_of(finished, "kind", first_round=1)
    assert from_the_first < affected
    assert len(affected) < 12
    finished.write_principles(*finished.names, kind={"critique_request": "How kind was it?"})
    finished.go()
    assert {call[0] for call in finished.calls()} == affected
    called = finished.called()
    assert called["draft"] == 0
    # Each later step has the edited one in its prompt.
    assert called["critique"] == called["revision"] == len(affected) + len(from_the_first)


def test_an_edited_question_asks_just_the_labels_that_drew_it(finished: Any) -> None:
    affected = labelled_by(finished, "fair")
    assert 0 < len(affected) < 12
    finished.write_principles(*finished.names, fair={"comparison_question": "Which is fairer by far?"})
    finished.go()
    assert {call[0] for call in finished.calls()} == affected
    assert finished.called() == {"label": 2 * len(affected)}


def test_order_and_notes_of_principles_change_nothing(finished: Any) -> None:
    finished.write_principles(*reversed(finished.names))
    finished.go()
    assert finished.calls() == []


def test_a_principle_more_asks_just_the_records_that_draw_it(finished: Any) -> None:
    finished.write_principles(*finished.names, "new")
    finished.go()
    drew = ids_of(finished, "new") | labelled_by(finished, "new")
    assert 0 < len(drew) < 12
    assert {call[0] for call in finished.calls()} == drew


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("critique/single_turn", {"critique", "revision", "label"}),
        ("revision/revise", {"critique", "revision", "label"}),
        ("comparison/choice", {"label"}),
        ("draft/answer", set(STAGES)),
    ],
)
def test_a_changed_template_asks_every_record(finished: Any, name: str, stages: set[str]) -> None:
    file = finished.folder / "prompts" / f"{name}.chat.jinja"
    file.write_text(file.read_text().rstrip("\n") + "\nOne more line.\n")
    finished.go()
    assert len({call[0] for call in finished.calls()}) == 12
    assert set(finished.called()) == stages


def test_another_model_asks_everything(finished: Any) -> None:
    finished.engine["model"] = "another"
    finished.go()
    assert set(finished.called()) == set(STAGES)
    assert finished.called()["draft"] == 12


def test_another_sampling_of_one_role_leaves_the_steps_before_it(finished: Any) -> None:
    finished.roles = {"reviser": {"sampling": {"temperature": 0.5}}}
    finished.go()
    called = finished.called()
    assert called["revision"] == 24
    assert called["draft"] == 0
    # The scripted engine does not look at the temperature: the same words come back, and what follows is still known.
    assert called["critique"] == called["label"] == 0


def test_a_larger_limit_asks_only_the_new_prompts(workshop: Any) -> None:
    workshop.write_prompts(f"Question {number}" for number in range(30))
    first = workshop.go(limit=10)
    assert first.counts.prompts == 10
    done = {call[0] for call in workshop.calls()}
    second = workshop.go(limit=20)
    assert second.counts.trajectories == 20
    new = {call[0] for call in workshop.calls()}
    assert len(done) == len(new) == 10
    assert not done & new
    # A smaller one leaves the others in the journal, and out of the datasets.
    third = workshop.go(limit=5)
    assert workshop.calls() == []
    assert third.counts.prompts == third.counts.trajectories == 5


def test_fewer_rounds_need_only_new_labels(finished: Any) -> None:
    summary = finished.go(rounds=1)
    assert set(finished.called()) <= {"label"}
    assert summary.labels.labels + summary.labels.unchanged == 12
    more = finished.go(rounds=3)
    assert finished.called()["critique"] == finished.called()["revision"] == 12
    assert more.counts.trajectories == 12


def test_a_label_of_answers_that_no_longer_stand_does_not_count(finished: Any) -> None:
    sampled = finished.go(rounds=0, comparison={"source": "sampled"})
    assert sampled.labels.labels == 12
    finished.roles = {"generator": {"sampling": {"max_new_tokens": 1}}}
    summary = finished.go()
    assert summary.labels.unchanged > 0
    assert summary.labels.labels == 12 - summary.labels.unchanged
    assert summary.counts.preference_rows == summary.labels.labels


def test_only_the_answer_that_stands_is_shown_with_the_latest_history(finished: Any) -> None:
    before = finished.called()
    finished.go(history="latest")
    # The first round is the same in both; the second no longer shows the first.
    assert finished.called()["critique"] == finished.called()["revision"] == 12
    assert before["critique"] == 24
