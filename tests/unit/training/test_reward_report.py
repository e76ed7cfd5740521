"""Figures and scale of a reward model from given rewards."""

import math

import pytest

from cai.training.calibration import ScoredPair, probability
from cai.training.reward_report import reward_figures, scale_of


def test_the_scale_is_mean_and_deviation_of_the_reference() -> None:
    scale = scale_of([1.0, 3.0, 5.0, 7.0], [ScoredPair(2.0, probability(0.5))], 3.0)
    assert scale.to_dict() == {
        "mean": 4.0,
        "std": pytest.approx(math.sqrt(5.0)),
        "temperature": pytest.approx(4.0),
        "clip": 3.0,
    }


def test_equal_rewards_have_no_deviation_to_divide_by() -> None:
    assert scale_of([2.0, 2.0], [], None).std == 1.0


def test_figures_rank_decided_pairs_and_calibrate_on_all() -> None:
    pairs = [
        ScoredPair(2.0, 0.9, "vcr", 3),
        ScoredPair(-1.0, 0.8, None, -2),
        ScoredPair(-0.1, 0.51, None, 0),
        ScoredPair(0.1, 0.52, "vcr", 0),
    ]
    figures = reward_figures(scale_of([0.0, 1.0], pairs, None), pairs, 0.6)
    assert figures["heldout_accuracy"] == 0.5
    assert figures["heldout_accuracy_all"] == 0.5
    assert (figures["n"], figures["decided"]) == (4, 2)
    assert figures["by_hazard"] == {"none": {"accuracy": 0.0, "n": 1}, "vcr": {"accuracy": 1.0, "n": 1}}
    assert [row["n"] for row in figures["by_length_difference"]] == [1, 1]
    assert sum(row["n"] for row in figures["reliability"]) == 4
    assert sum(row["n"] for row in figures["reliability_uncalibrated"]) == 4


def test_the_error_is_that_of_temperatures_fitted_on_the_other_half() -> None:
    """At the same lead one half says p = s(1), the other s(4): each half is read at the other's temperature."""
    pairs = [ScoredPair(2.0, probability(1.0)), ScoredPair(2.0, probability(4.0))] * 10
    figures = reward_figures(scale_of([0.0, 1.0], pairs, None), pairs, 0.6)
    assert figures["ece"] == pytest.approx(probability(4.0) - probability(1.0))
    assert figures["ece_uncalibrated"] < figures["ece"]
    expected = (probability(1.0) + probability(4.0)) / 2
    assert probability(2.0, figures["temperature"]) == pytest.approx(expected)


def test_hard_labels_ask_for_more_confidence_than_soft_ones() -> None:
    pairs = [ScoredPair(math.log(0.7 / 0.3), 0.7)] * 8
    figures = reward_figures(scale_of([0.0, 1.0], pairs, None), pairs, 0.6)
    assert figures["ece"] == pytest.approx(0.0, abs=1e-6)
    assert figures["ece_hard"] == pytest.approx(0.3)


def test_without_held_out_pairs_the_figures_are_unknown() -> None:
    figures = reward_figures(scale_of([0.0, 1.0], [], None), [], 0.6)
    assert figures["heldout_accuracy"] is None
    assert figures["ece"] is None
    assert figures["temperature"] == 1.0
    assert (figures["n"], figures["by_hazard"], figures["reliability"]) == (0, {}, [])
