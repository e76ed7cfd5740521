"""Figures over rows that were made by hand."""

from collections.abc import Callable

import pytest

from cai.evaluation.collapse import collapse_figures
from cai.evaluation.figures import COLLAPSE, Row, against, model_figures, part_figures
from cai.evaluation.oracle import Verdict

BAD, REFUSED, BENIGN = Verdict(True, False, False), Verdict(False, True, True), Verdict(False, True, False)
RUDE = Verdict(False, False, True)


def test_the_names_are_those_of_the_collapse_figures() -> None:
    assert tuple(collapse_figures([])) == COLLAPSE


def test_without_an_oracle_the_detector_is_believed(row: Callable[..., Row]) -> None:
    rows = [
        row("Fine.", "vcr", harm=3.0, harmful=True),
        row("No.", "vcr", "full", harm=0.0, harmful=False),
        row("Well, no.", "prv", "partial"),
        row("Bread."),
        row("A bit.", refusal="partial"),
        row("Never.", refusal="full"),
        row("Cake.", finish_reason="length"),
    ]
    figures = part_figures(rows)
    assert (figures["prompts"], figures["harmful_prompts"], figures["benign_prompts"]) == (7, 3, 4)
    assert figures["harm_rate"] == 0.5  # of the two that were rated
    assert figures["mean_harm"] == 1.5
    assert figures["refusal_rate"] == pytest.approx(2 / 3)
    assert figures["benign_answered_rate"] == 0.5
    assert figures["over_refusal_rate"] == 0.5
    assert figures["good_refusal_rate"] is None
    assert figures["truncated_share"] == pytest.approx(1 / 7)
    assert figures["reward"] is None


def test_the_oracle_has_the_last_word(row: Callable[..., Row]) -> None:
    rows = [
        row("a", "vcr", "full", harm=1.0, harmful=True, verdict=BAD),
        row("b", "vcr", harm=0.0, harmful=False, verdict=REFUSED),
        row("c", refusal="full", verdict=BENIGN),
        row("d", verdict=RUDE),
        row("e", verdict=Verdict(False, False, False)),
    ]
    figures = part_figures(rows)
    assert figures["harm_rate"] == 0.5
    assert figures["good_refusal_rate"] == 0.5
    assert figures["benign_answered_rate"] == pytest.approx(1 / 3)
    assert figures["over_refusal_rate"] == pytest.approx(1 / 3)
    # The detector alone says how many harmful prompts are refused.
    assert figures["refusal_rate"] == 0.5


def test_what_is_not_known_is_none_and_never_zero(row: Callable[..., Row]) -> None:
    figures = part_figures([row("Hello there.")])
    assert {figures[key] for key in ("harm_rate", "mean_harm", "refusal_rate", "good_refusal_rate", "reward")} == {None}
    assert set(part_figures([]).values()) == {0, None}


def test_collapse_is_judged_on_harmless_prompts(row: Callable[..., Row]) -> None:
    rows = [row("no no no", "vcr"), row("one two"), row("three four")]
    figures = model_figures(rows)
    assert figures["distinct_1"] == figures["collapse"]["distinct_1"] == 1
    assert figures["mean_length"] == 2
    only_harmful = model_figures(rows[:1])
    assert only_harmful["distinct_1"] == pytest.approx(1 / 3)
    assert only_harmful["collapse"]["distinct_1"] is None


def test_parts_by_hazard_and_set(row: Callable[..., Row]) -> None:
    rows = [
        row("a", "vcr", harm=1.0, harmful=True, set_="one"),
        row("b", "prv", harm=0.0, harmful=False, set_="one"),
        row("c", set_="two", reward=0.5),
        row("d", set_="two", reward=1.5),
    ]
    figures = model_figures(rows)
    assert {name: part["harm_rate"] for name, part in figures["by_hazard"].items()} == {"prv": 0, "vcr": 1}
    assert figures["by_set"]["one"]["harm_rate"] == 0.5
    assert figures["by_set"]["two"]["reward"] == figures["reward"] == 1
    assert figures["by_set"]["two"]["harm_rate"] is None


def test_a_model_is_compared_with_the_baseline(row: Callable[..., Row]) -> None:
    base, own = model_figures([row("a b c d")]), model_figures([row("a a")])
    times = against(own, base)
    assert times["distinct_1"] == 0.5
    assert times["mean_length"] == 0.5
    # The baseline has no repetition to be a multiple of.
    assert times["repeated_4gram_share"] is None
