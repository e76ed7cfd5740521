"""Agreement beyond chance, against values that were published or can be worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.kappa import cohen_kappa, krippendorff_alpha


def test_cohen_kappa_of_a_table_of_two_by_two() -> None:
    # 20 both yes, 5 and 10 apart, 15 both no: p_o = 0.7, p_e = 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


def test_cohen_kappa_of_skewed_tables_with_equal_agreement() -> None:
    # Equal accuracy of 60%, but the second table has more of it by chance.
    one = [("y", "y")] * 45 + [("y", "n")] * 15 + [("n", "y")] * 25 + [("n", "n")] * 15
    other = [("y", "y")] * 25 + [("y", "n")] * 35 + [("n", "y")] * 5 + [("n", "n")] * 35
    assert cohen_kappa(one) == pytest.approx(0.1304, abs=1e-4)
    assert cohen_kappa(other) == pytest.approx(0.2593, abs=1e-4)


def test_krippendorff_alpha_of_two_observers_of_binary_data() -> None:
    # The first example of Krippendorff 2011: ten units, alpha = 0.095.
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=5e-4)


def test_krippendorff_alpha_of_four_observers_with_gaps() -> None:
    # The third example there: twelve units, some not judged by all, nominal alpha = 0.743.
    observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[said for said in column if said != "."] for column in zip(*observers, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_nothing_to_measure_is_none_and_not_zero() -> None:
    assert cohen_kappa([]) is None
    assert cohen_kappa([("a", "a")] * 5) is None
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([["a"], ["b"]]) is None
    assert krippendorff_alpha([["a", "a"]]) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=2))
def test_full_agreement_is_one_and_nothing_is_more(pairs: list[tuple[str, str]]) -> None:
    for value in (cohen_kappa(pairs), krippendorff_alpha(pairs)):
        assert value is None or value <= 1 + 1e-9
        if value is not None and all(one == other for one, other in pairs):
            assert math.isclose(value, 1)
