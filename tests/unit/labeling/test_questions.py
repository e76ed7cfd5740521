"""Both orders, and questions turned round."""

from collections.abc import Callable

import pytest

from cai.config.labels import ChoiceLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.labeling.choice import ChoiceLabels
from cai.labeling.questions import Question, is_negated, questions_of
from cai.records import Comparison

Make = Callable[[str], Principle]


@pytest.mark.parametrize(
    ("order", "negated", "p_a"), [("ab", False, 0.8), ("ba", False, 0.2), ("ab", True, 0.2), ("ba", True, 0.8)]
)
def test_a_vote_is_always_about_response_a(pair: Comparison, order: str, negated: bool, p_a: float) -> None:
    question = Question("kind", order, negated, "Which?", pair)  # type: ignore[arg-type]
    vote = question.vote(0.8, 0.9, "labeler")
    assert (vote.p_a, vote.negated, vote.order) == (pytest.approx(p_a), negated, order)


def test_which_principles_are_turned_round_follows_from_the_names(
    pair: Comparison, principle: Make, craft: Stagecraft
) -> None:
    some = [principle(f"p{index}") for index in range(40)]
    turned = {q.principle_id for q in questions_of(pair, some, 0.5, craft, 1) if q.negated}
    assert 10 <= len(turned) <= 30
    backwards = {q.principle_id for q in questions_of(pair, some[::-1], 0.5, craft, 1) if q.negated}
    assert backwards == turned
    assert {q.principle_id for q in questions_of(pair, some, 0.5, craft, 2) if q.negated} != turned
    assert not any(q.negated for q in questions_of(pair, some, 0.0, craft, 1))
    assert all(q.negated for q in questions_of(pair, some, 1.0, craft, 1))
    assert turned <= {q.principle_id for q in questions_of(pair, some, 0.8, craft, 1) if q.negated}


def test_the_share_is_kept_over_many_comparisons() -> None:
    drawn = sum(is_negated(0.3, 0, f"comparison-{index}", "kind") for index in range(2000))
    assert drawn / 2000 == pytest.approx(0.3, abs=0.03)


def test_a_question_turned_round_is_asked_so_and_turned_back(
    pair: Comparison, principle: Make, craft: Stagecraft, told: type, run: Callable[..., object]
) -> None:
    method = ChoiceLabels(ChoiceLabelConfig(negated=1.0), craft, 0)

    def worst(name: str, seen: str, role: str) -> tuple[float, float]:
        # The kind answer is A when it is shown first; asked for the worse one, a good judge names the other letter.
        assert "does worse" in seen
        return (0.1, 0.8) if name.endswith("ab") else (0.8, 0.1)

    label = run(method.label(pair, (principle("kind"),), told(worst)))
    assert label.p_a == pytest.approx(8 / 9)
    assert all(vote.negated for vote in label.votes)
    assert not label.flipped


def test_a_judge_that_always_says_a_is_no_surer_for_being_asked_both_ways_round(
    pair: Comparison, principle: Make, craft: Stagecraft, told: type, run: Callable[..., object]
) -> None:
    some = [principle(f"p{index}") for index in range(12)]
    method = ChoiceLabels(ChoiceLabelConfig(negated=0.5), craft, 0)
    label = run(method.label(pair, some, told(lambda name, seen, role: (0.9, 0.1))))
    assert label.p_a == pytest.approx(0.5)


def test_what_was_asked_tells_turned_questions_apart(pair: Comparison, principle: Make, craft: Stagecraft) -> None:
    plain, turned = (
        ChoiceLabels(ChoiceLabelConfig(negated=share), craft, 0).asked(pair, (principle("kind"),))
        for share in (0.0, 1.0)
    )
    assert plain != turned
