"""Figures of collapse, against numbers counted by hand."""

import pytest

from cai.evaluation.collapse import collapse_figures, distinct, identical_opening_share, repeated_share


def words(*answers: str) -> list[list[str]]:
    return [answer.split() for answer in answers]


def test_distinct_counts_over_all_answers_together() -> None:
    some = words("a b a b", "a b c")
    assert distinct(some, 1) == pytest.approx(3 / 7)
    # ab ba ab, ab bc: three different ones of five.
    assert distinct(some, 2) == pytest.approx(3 / 5)


def test_repetition_is_within_an_answer() -> None:
    loop, fresh = "a b c d a b c d a b c d", "a b c d e f g"
    # The loop has nine runs of four words, of which four are different.
    assert repeated_share(words(loop), 4) == pytest.approx(5 / 9)
    assert repeated_share(words(loop, fresh), 4) == pytest.approx(5 / 18)
    assert repeated_share(words(fresh, fresh), 4) == 0
    assert repeated_share(words("too short", loop), 4) == pytest.approx(5 / 9)


def test_the_commonest_opening() -> None:
    same, other = "I am so very sorry but", "Sure here it is now"
    assert identical_opening_share(words(f"{same} a", f"{same} b", other), 5) == pytest.approx(2 / 3)
    assert identical_opening_share(words("No.", "No.", "No. Yes."), 5) == pytest.approx(2 / 3)


def test_case_does_not_count_and_length_is_in_words() -> None:
    figures = collapse_figures(["The the", "THE end of it"])
    assert figures["distinct_1"] == pytest.approx(4 / 6)
    assert figures["mean_length"] == 3
    assert figures["repeated_4gram_share"] == 0


def test_nothing_is_unknown_and_not_zero() -> None:
    assert set(collapse_figures([]).values()) == {None}
    empty = collapse_figures(["", ""])
    assert (empty["distinct_1"], empty["distinct_2"], empty["repeated_4gram_share"]) == (None, None, None)
    assert (empty["mean_length"], empty["identical_opening_share"]) == (0, 1)
