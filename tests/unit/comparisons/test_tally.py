"""Figures of labels, held to counts by hand."""

import pytest

from cai.comparisons.agreement import LabelerAgreement
from cai.comparisons.tally import Tally
from cai.records import Comparison, Label, Message, Prompt, Vote

PROMPT = Prompt.of((Message("user", "Hi"),), "x")
LONG_A = Comparison(PROMPT, "two words", "one", "imported")
ALIKE = Comparison(PROMPT, "one", "other", "imported")


def label(p_a: float, *votes: tuple[str, float], flipped: bool = False, spread: float | None = None) -> Label:
    cast = tuple(Vote("kind", "ab", p, 0.8, name) for name, p in votes) or (Vote("kind", "ba", p_a, 0.8),)
    return Label("c", p_a, 0.8, flipped, "ensemble", cast, spread)


def test_nothing_has_no_shares() -> None:
    figures = Tally().figures()
    assert figures["labels"] == 0
    assert all(figures[key] is None for key in ("accuracy", "flip_rate", "label_mass", "kappa", "spread"))


def test_by_hand() -> None:
    tally = Tally()
    tally.add(LONG_A, label(0.9), "a")
    tally.add(LONG_A, label(0.2, flipped=True), "a")
    tally.add(LONG_A, label(0.5), "b")
    tally.add(ALIKE, label(0.7), None)
    figures = tally.figures()
    assert (figures["labels"], figures["ties"], figures["known"]) == (4, 1, 3)
    # Right, wrong, and a tie that counts one half.
    assert figures["accuracy"] == pytest.approx(0.5)
    assert figures["flip_rate"] == 0.25
    assert figures["longer_preferred"] == 0.5
    assert figures["longer_right"] == pytest.approx(2 / 3)
    assert figures["label_mass"] == pytest.approx(0.8)


def test_what_was_asked_in_one_order_cannot_flip() -> None:
    tally = Tally()
    tally.add(ALIKE, label(0.9, ("labeler", 0.9)), None)
    assert tally.figures()["flip_rate"] is None
    tally.add(ALIKE, label(0.9, flipped=True), None)
    assert tally.figures()["flip_rate"] == 1.0


def test_agreement_of_labelers_by_hand() -> None:
    agreement = LabelerAgreement()
    for one, other in ((0.9, 0.8), (0.9, 0.1), (0.2, 0.3), (0.4, 0.1)):
        agreement.add(label(0.5, ("labeler.1", one), ("labeler.2", other)))
    assert agreement.same == 0.75
    # Observed 3/4; by chance 2/4 * 1/4 + 2/4 * 3/4 = 1/2.
    assert agreement.kappa == pytest.approx(0.5)
    assert agreement.kappas == {("labeler.1", "labeler.2"): pytest.approx(0.5)}


def test_a_labelers_verdict_is_the_mean_of_its_votes() -> None:
    agreement = LabelerAgreement()
    # Position alone decided both times: undecided, and so is the other one.
    agreement.add(label(0.5, ("l.1", 0.75), ("l.1", 0.25), ("l.2", 0.5)))
    assert agreement.same == 1.0


def test_every_two_of_three_are_compared_and_one_alone_is_not() -> None:
    agreement = LabelerAgreement()
    agreement.add(label(0.5, ("l.1", 0.9)))
    assert agreement.same is None and agreement.kappa is None
    agreement.add(label(0.5, ("l.1", 0.9), ("l.2", 0.8), ("l.3", 0.1)))
    assert set(agreement.kappas) == {("l.1", "l.2"), ("l.1", "l.3"), ("l.2", "l.3")}
    assert agreement.same == pytest.approx(1 / 3)


def test_spread_is_averaged_over_the_labels_that_have_one() -> None:
    tally = Tally()
    for spread in (0.1, None, 0.3):
        tally.add(ALIKE, label(0.6, spread=spread), None)
    assert tally.figures()["spread"] == pytest.approx(0.2)
