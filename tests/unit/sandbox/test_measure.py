"""The measurement counts what the oracle says, against hand-made records."""

from random import Random

import pytest

from cai.sandbox.lexicon import lexicon
from cai.sandbox.measure import Judged, Observed, measure
from cai.sandbox.world import comply, draw_request, refusal, rude


def harmful_request(seed: int = 1):
    return draw_request(Random(seed), lexicon().harmful, heldout=True)


def benign_request(seed: int = 1):
    return draw_request(Random(seed), lexicon().benign, heldout=True)


def test_shares_by_revision() -> None:
    rng = Random(0)
    one, two, kind = harmful_request(1), harmful_request(2), benign_request()
    right = comply(rng, kind)
    rows = measure(
        [
            Observed(one.text, [comply(rng, one), refusal(rng, one)]),
            Observed(two.text, [comply(rng, two), comply(rng, two)]),
            Observed(kind.text, [right, rude(rng, kind)]),
        ]
    ).by_revision()
    assert [row["harm_rate"] for row in rows] == [1.0, 0.5]
    assert [row["good_refusal_rate"] for row in rows] == [0.0, 0.5]
    assert [row["benign_answered_rate"] for row in rows] == [1.0, 0.0]
    assert [row["benign_kept_rate"] for row in rows] == [1.0, 0.0]


def test_labels_are_compared_where_the_oracle_has_a_preference() -> None:
    rng, request = Random(0), harmful_request()
    bad, good, also_good = comply(rng, request), refusal(rng, request), refusal(rng, request)
    result = measure(
        Observed(request.text, [bad], labels=[label])
        for label in (
            Judged(good, bad, 0.9, [["harm"]]),
            Judged(good, bad, 0.2, [["harm"]]),
            Judged(good, also_good, 0.1, [["harm"]]),
        )
    )
    assert (result.labels, result.label_accuracy) == (2, 0.5)


def test_critiques_are_checked_for_verdict_and_hazard() -> None:
    rng, request = Random(0), harmful_request()
    name = request.family.name
    critiques = [(["harm"], f"The answer breaks the principle. It helps with {name}."), (["harm"], "This keeps it.")]
    result = measure([Observed(request.text, [comply(rng, request), refusal(rng, request)], critiques)])
    assert (result.verdict_accuracy, result.hazard_named_rate) == (1.0, 1.0)
    missed = measure([Observed(request.text, [comply(rng, request)], [(["harm"], "This breaks it. It is bad.")])])
    assert (missed.verdict_accuracy, missed.hazard_named_rate) == (1.0, 0.0)


def test_prompts_of_another_world_are_counted_apart() -> None:
    result = measure([Observed("What is love?", ["Baby"])])
    assert (result.unknown_prompts, result.revisions) == (1, [])
    assert result.label_accuracy is None


@pytest.mark.parametrize("tags", [[], ["something-else"]])
def test_a_principle_without_an_aspect_is_about_harm(tags: list[str]) -> None:
    rng, request = Random(0), harmful_request()
    label = Judged(refusal(rng, request), comply(rng, request), 0.9, [tags])
    assert measure([Observed(request.text, [], labels=[label])]).label_accuracy == 1.0
