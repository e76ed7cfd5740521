"""Calibration against values computed by hand."""

import math
from random import Random

import pytest

from cai.training.calibration import (
    COLDEST,
    HOTTEST,
    LengthSlice,
    ReliabilityBin,
    ScoredPair,
    accuracy_by_hazard,
    accuracy_by_length_difference,
    cross_fitted,
    decided,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    pairwise_accuracy,
    probability,
    reliability,
)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_probability_is_the_logistic_function_and_never_overflows() -> None:
    assert probability(0.0) == 0.5
    assert probability(2.0) == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert probability(2.0, 4.0) == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert probability(1e6) == 1.0
    assert probability(-1e6) == 0.0


def test_the_likelihood_is_the_cross_entropy() -> None:
    pairs = [ScoredPair(2.0, 0.8), ScoredPair(-1.0, 1.0)]
    q = [probability(1.0), probability(-0.5)]
    expected = (-0.8 * math.log(q[0]) - 0.2 * math.log(1 - q[0]) - math.log(q[1])) / 2
    assert negative_log_likelihood(pairs, 2.0) == pytest.approx(expected)
    with pytest.raises(ValueError, match="nothing"):
        negative_log_likelihood([])


def test_the_fit_finds_the_temperature_that_made_the_targets() -> None:
    random = Random(1)
    leads = [random.gauss(0, 3) for _ in range(50)]
    pairs = [ScoredPair(lead, probability(lead, 2.5)) for lead in leads]
    assert fit_temperature(pairs) == pytest.approx(2.5, rel=1e-6)


def test_one_error_in_four_at_equal_leads_gives_three_quarters() -> None:
    pairs = [ScoredPair(3.0, 1.0)] * 3 + [ScoredPair(-3.0, 1.0)]
    assert fit_temperature(pairs) == pytest.approx(3.0 / logit(0.75))


def test_no_other_temperature_is_likelier() -> None:
    random = Random(2)
    pairs = [ScoredPair(random.gauss(1, 2), random.choice([0.6, 0.9, 1.0])) for _ in range(40)]
    best = fit_temperature(pairs)
    assert COLDEST < best < HOTTEST
    least = negative_log_likelihood(pairs, best)
    assert all(negative_log_likelihood(pairs, best * factor) > least for factor in (0.5, 0.9, 1.1, 2.0))


@pytest.mark.parametrize(
    ("pairs", "temperature"),
    [
        ([], 1.0),
        ([ScoredPair(0.0, 1.0), ScoredPair(0.0, 0.5)], 1.0),
        ([ScoredPair(1.0, 1.0), ScoredPair(2.0, 1.0)], COLDEST),
        ([ScoredPair(-1.0, 1.0), ScoredPair(-2.0, 1.0)], HOTTEST),
        ([ScoredPair(1.0, 0.5), ScoredPair(2.0, 0.5)], HOTTEST),
    ],
    ids=["no pairs", "no leads", "all right and certain", "all wrong", "all undecided"],
)
def test_a_fit_that_has_no_optimum_gives_a_bound(pairs: list[ScoredPair], temperature: float) -> None:
    assert fit_temperature(pairs) == temperature


def test_cross_fitting_uses_the_other_half() -> None:
    even = [ScoredPair(1.0, probability(1.0, 4.0))] * 3
    odd = [ScoredPair(1.0, probability(1.0, 0.5))] * 3
    pairs = [pair for two in zip(even, odd, strict=True) for pair in two]
    fitted = cross_fitted(pairs)
    assert fitted[0::2] == pytest.approx([probability(1.0, 0.5)] * 3)
    assert fitted[1::2] == pytest.approx([probability(1.0, 4.0)] * 3)
    assert cross_fitted([ScoredPair(1.0, 0.9)]) == [probability(1.0)]
    assert cross_fitted([]) == []


def test_reliability_in_bins_of_equal_width() -> None:
    table = reliability([0.92, 0.97, 0.08, 0.6], [1.0, 0.9, 1.0, 0.7])
    assert table == [
        ReliabilityBin(0.6, 0.7, 1),
        ReliabilityBin(pytest.approx(0.92), pytest.approx(0.5), 2),
        ReliabilityBin(0.97, 0.9, 1),
    ]


def test_reliability_in_bins_of_equal_count() -> None:
    table = reliability([0.9, 0.91, 0.92, 0.93, 0.6], [1.0, 1.0, 0.0, 1.0, 1.0], 2, equal_count=True)
    assert [row.n for row in table] == [3, 2]
    assert table[0].p == pytest.approx((0.6 + 0.9 + 0.91) / 3)
    assert table[0].accuracy == 1.0
    assert table[1].accuracy == 0.5


def test_the_bounds_of_confidence_have_a_bin() -> None:
    assert reliability([0.5, 1.0, 0.0], [1.0, 1.0, 0.0]) == [ReliabilityBin(0.5, 1.0, 1), ReliabilityBin(1.0, 1.0, 2)]


def test_the_calibration_error_by_hand() -> None:
    table = reliability([0.92, 0.97, 0.08, 0.6], [1.0, 0.9, 1.0, 0.7])
    assert expected_calibration_error(table) == pytest.approx((1 * 0.1 + 2 * 0.42 + 1 * 0.07) / 4)
    assert expected_calibration_error([]) is None


def test_probabilities_equal_to_the_targets_have_no_calibration_error() -> None:
    targets = [Random(3).random() for _ in range(100)]
    assert expected_calibration_error(reliability(targets, targets)) == pytest.approx(0.0, abs=1e-12)


def test_accuracy_counts_an_equal_reward_as_half_right() -> None:
    pairs = [ScoredPair(1.0, 0.9), ScoredPair(-1.0, 0.9), ScoredPair(0.0, 0.9), ScoredPair(-2.0, 0.2)]
    assert pairwise_accuracy(pairs) == pytest.approx(2.5 / 4)
    assert pairwise_accuracy([]) is None


def test_accuracy_by_hazard() -> None:
    pairs = [ScoredPair(1.0, 1.0, "vcr"), ScoredPair(-1.0, 1.0, "vcr"), ScoredPair(1.0, 1.0, None)]
    assert accuracy_by_hazard(pairs) == {"none": (1.0, 1), "vcr": (0.5, 2)}
    assert list(accuracy_by_hazard(pairs)) == ["none", "vcr"]


def test_accuracy_by_length_difference_keeps_equal_differences_together() -> None:
    differences = [-5, 2, 2, 2, 2, 9]
    pairs = [ScoredPair(-1.0 if d == 9 else 1.0, 1.0, length_difference=d) for d in differences]
    assert accuracy_by_length_difference(pairs, 3) == [LengthSlice(-5, 2, 1.0, 5), LengthSlice(9, 9, 0.0, 1)]
    assert accuracy_by_length_difference([], 3) == []
    assert sum(row.n for row in accuracy_by_length_difference(pairs, 20)) == 6


def test_a_label_is_decided_if_it_is_sure_of_either_answer() -> None:
    pairs = [ScoredPair(1.0, 0.6), ScoredPair(1.0, 0.59), ScoredPair(1.0, 0.3)]
    assert decided(pairs, 0.6) == [pairs[0], pairs[2]]
    assert decided(pairs, 0.5) == pairs
