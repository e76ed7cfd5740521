"""Reasons first, then the letters; in both forms and both orders, clamped."""

from collections.abc import Callable
from typing import Any

import pytest

from cai.config.labels import CotLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.errors import RequestError
from cai.labeling.cot import CotLabels
from cai.records import Comparison

Make = Callable[[str], Principle]
Run = Callable[..., Any]


def kind_first(name: str, seen: str, role: str) -> tuple[float, float]:
    return (0.95, 0.01) if name.endswith("ab") else (0.01, 0.95)


def test_the_letters_are_scored_after_the_reasons(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    judge = told(kind_first)
    label = run(CotLabels(CotLabelConfig(), craft, 0).label(pair, (principle("kind"),), judge))
    assert [name for name, *_ in judge.written] == ["kind/ab/reasons", "kind/ba/reasons"]
    for name, seen, choices, role in judge.scored:
        assert (choices, role) == (("A", "B"), "labeler")
        assert f"Reasons of labeler for {name}/reasons." in seen
    asked = {name.removesuffix("/reasons"): seen for name, seen, *_ in judge.written}
    # The second request only adds to the first, so that its prefix is cached.
    assert all(seen.startswith(asked[name]) for name, seen, *_ in judge.scored)
    assert [vote.rationale for vote in label.votes] == [
        f"Reasons of labeler for kind/{o}/reasons." for o in ("ab", "ba")
    ]
    assert label.method == "cot"


def test_each_judgement_is_clamped_and_the_mass_is_not(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    label = run(CotLabels(CotLabelConfig(), craft, 0).label(pair, (principle("kind"),), told(kind_first)))
    assert [vote.p_a for vote in label.votes] == pytest.approx([0.6, 0.6])
    assert label.label_mass == pytest.approx(0.96)
    free = CotLabels(CotLabelConfig(clamp=(0, 1)), craft, 0)
    label = run(free.label(pair, (principle("kind"),), told(kind_first)))
    assert label.p_a == pytest.approx(0.95 / 0.96)
    # Between the bounds nothing is changed.
    label = run(CotLabels(CotLabelConfig(), craft, 0).label(pair, (principle("kind"),), told(lambda *_: (0.55, 0.45))))
    assert [vote.p_a for vote in label.votes] == pytest.approx([0.55, 0.45])


def test_turned_round_the_clamped_answer_is_turned_back(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    method = CotLabels(CotLabelConfig(negated=1.0), craft, 0)
    label = run(method.label(pair, (principle("kind"),), told(kind_first)))
    assert label.p_a == pytest.approx(0.4)
    assert all(vote.negated for vote in label.votes)


def test_a_transcript_stops_at_the_next_mark_and_shows_examples(
    pair: Comparison, principle: Make, told: Any, run: Run, transcript: Stagecraft
) -> None:
    judge = told(kind_first)
    run(CotLabels(CotLabelConfig(), transcript, 0).label(pair, (principle("kind"),), judge))
    _, seen, _, stops = judge.written[0]
    # After its reasons a base model writes the verdict of the examples' form; it must not come to that.
    assert stops == ("\n\n",)
    assert all("\n" not in example.reasons for example in transcript.reasoned_examples)
    assert seen.count("Let us look at each answer first:") == 5
    assert seen.endswith("Let us look at each answer first:")
    assert judge.scored[0][1].endswith("\n\nThe answer to the question is: (")
    letters = [example.better for example in transcript.reasoned_examples]
    assert sorted(letters) == ["A", "A", "B", "B"]


def test_k_principles_share_everything_before_the_question(
    pair: Comparison, principle: Make, craft: Stagecraft
) -> None:
    asked = CotLabels(CotLabelConfig(), craft, 0).asked(pair, (principle("kind"), principle("fair")))[1:]
    first, second = (
        prompt["text"] if "text" in prompt else prompt["messages"][0]["content"]
        for prompt in (asked[0][3], asked[2][3])
    )
    shared = next(index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert first[:shared].endswith("Which is more ")


def test_what_was_asked_changes_with_the_bounds(pair: Comparison, principle: Make, craft: Stagecraft) -> None:
    one, other = (
        CotLabels(CotLabelConfig(clamp=clamp), craft, 0).asked(pair, (principle("kind"),))
        for clamp in ((0.4, 0.6), (0.2, 0.8))
    )
    assert one != other


def test_no_letter_is_an_error(pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run) -> None:
    with pytest.raises(RequestError, match="neither letter"):
        run(CotLabels(CotLabelConfig(), craft, 0).label(pair, (principle("kind"),), told(lambda *_: (0.0, 0.0))))
