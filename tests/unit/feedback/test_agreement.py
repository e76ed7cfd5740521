"""Accuracy and kappa of AI labels against people, by group, and what they disagree on."""

from collections.abc import Callable

import pytest

from cai.feedback.agreement import NOT_DRAWN, Agreement, Scored, figure, measure
from cai.feedback.compared import Compared
from cai.feedback.import_summary import ImportSummary
from cai.feedback.store import FeedbackStore
from cai.feedback.views import RunView

Take = Callable[..., ImportSummary]


@pytest.fixture
def measured(view: RunView, store: FeedbackStore) -> Callable[..., Agreement]:
    return lambda listed=20: measure(view, store, listed)


def test_people_who_follow_the_ai_agree_with_it_fully(
    take: Take, compared: list[Compared], measured: Callable[..., Agreement]
) -> None:
    take([{"comparison_id": c.id, "preferred": "a" if c.label.p_a > 0.5 else "b", "annotator": "x"} for c in compared])
    found = measured()
    assert (found.judged, found.ai_ties, found.people_ties, found.own) == (40, 1, 0, 0)
    assert (found.overall.comparisons, found.overall.accuracy, found.overall.kappa) == (39, 1.0, 1.0)
    assert found.disagreements == 0 and found.listed == ()
    assert {name: one.comparisons for name, one in found.by_hazard.items()} == {"none": 12, "prv": 13, "vcr": 14}
    assert {name: one.comparisons for name, one in found.by_principle.items()} == {"harm": 39}
    (person,) = found.people.persons
    assert (person.annotator, person.judgements, person.with_ai, person.with_others) == ("x", 40, 1.0, None)


def test_a_judge_that_always_says_b_earns_accuracy_but_no_kappa() -> None:
    scored = [Scored(str(n), ai_a=False, people_a=n < 3) for n in range(10)]
    found = figure(scored)
    assert (found.accuracy, found.kappa) == (0.7, 0.0)
    assert (
        found.accuracy_interval is not None and 0.3 < found.accuracy_interval.low < 0.7 < found.accuracy_interval.high
    )


def test_kappa_that_is_not_defined_is_none() -> None:
    found = figure([Scored("p", ai_a=True, people_a=True)] * 3)
    assert (found.comparisons, found.accuracy, found.kappa, found.kappa_interval) == (3, 1.0, None, None)
    assert figure([]).accuracy is None


def test_intervals_go_by_prompts_not_by_comparisons() -> None:
    one_prompt = figure([Scored("p", ai_a=True, people_a=bool(n % 2)) for n in range(20)])
    assert one_prompt.accuracy_interval is not None
    assert one_prompt.accuracy_interval.low == one_prompt.accuracy_interval.high == 0.5
    many = figure([Scored(str(n), ai_a=True, people_a=bool(n % 2)) for n in range(20)])
    assert many.accuracy_interval is not None and many.accuracy_interval.low < 0.4


def test_intervals_of_many_prompts_are_narrow() -> None:
    scored = [Scored(str(n), ai_a=bool(n % 2), people_a=bool(n % 3)) for n in range(5_000)]
    found = figure(scored)
    assert found.comparisons == 5_000 and found.accuracy_interval is not None
    assert found.accuracy_interval.high - found.accuracy_interval.low < 0.04


def test_ties_are_counted_and_what_the_run_has_not_too(
    take: Take, compared: list[Compared], measured: Callable[..., Agreement]
) -> None:
    own = {"prompt": "new", "response_a": "x", "response_b": "y", "preferred": "a"}
    take([{"comparison_id": c.id, "preferred": p} for c, p in zip(compared, ("tie", "a"), strict=False)] + [own])
    take([{"comparison_id": compared[20].id, "preferred": "a"}], file="more.jsonl")
    found = measured()
    assert (found.judged, found.own, found.people_ties, found.ai_ties) == (4, 1, 1, 1)
    assert found.overall.comparisons == 1


def test_disagreements_begin_with_the_surest(
    take: Take, compared: list[Compared], measured: Callable[..., Agreement]
) -> None:
    # The AI is sure of B at number 0, and ever less up to number 20.
    take([{"comparison_id": c.swapped_id, "preferred": "b", "note": "no!"} for c in compared[:19]])
    found = measured(3)
    assert (found.disagreements, [one.comparison_id for one in found.listed]) == (19, [c.id for c in compared[:3]])
    first = found.listed[0]
    assert (first.ai_p_a, first.people_p_a, first.votes, first.notes) == (0.02, 1.0, 1, ("no!",))
    assert first.principle_ids == ("harm",) and first.response_a == compared[0].response_a
    assert measured(0).listed == ()


def test_agreement_by_confidence_shows_whether_the_ai_knows_what_it_knows(
    take: Take, compared: list[Compared], measured: Callable[..., Agreement]
) -> None:
    rows = []
    for one in compared:
        sure = abs(one.label.p_a - 0.5) > 0.3
        rows.append({"comparison_id": one.id, "preferred": "a" if (one.label.p_a > 0.5) == sure else "b"})
    take(rows)
    found = measured().by_confidence
    assert list(found) == ["50-60%", "60-70%", "70-80%", "80-90%", "90-100%"]
    assert [found[name].accuracy for name in ("50-60%", "90-100%")] == [0.0, 1.0]


def test_people_among_themselves(take: Take, compared: list[Compared], measured: Callable[..., Agreement]) -> None:
    said = {"ann": "aabb", "bo": "aaba"}
    take(
        [
            {"comparison_id": one.id, "preferred": p, "annotator": who}
            for who, words in said.items()
            for one, p in zip(compared, words, strict=False)
        ]
    )
    people = measured().people
    assert (people.annotators, people.judged_by_several, people.agreement) == (2, 4, 0.75)
    assert people.cohen_kappa == pytest.approx(0.5)
    assert people.krippendorff_alpha == pytest.approx(1 - 7 * 2 / 30)
    assert [(one.annotator, one.with_others) for one in people.persons] == [("ann", 0.75), ("bo", 0.75)]
    take([{"comparison_id": compared[0].id, "preferred": "b"}], file="anonymous.jsonl")
    people = measured().people
    assert (people.annotators, people.cohen_kappa) == (2, None)


def test_nothing_was_drawn_for_review(take: Take, compared: list[Compared], measured: Callable[..., Agreement]) -> None:
    take([{"comparison_id": compared[1].id, "preferred": "a"}])
    assert list(measured().by_reason) == [NOT_DRAWN]
