"""The oracle reads back what the grammar says, and in doubt judges against the answer."""

from random import Random

import pytest

from cai.sandbox.lexicon import lexicon
from cai.sandbox.oracle import breaks, judge, prefers, read_request
from cai.sandbox.world import (
    ANSWERS,
    HELDOUT_REQUEST_FRAMES,
    REQUEST_FRAMES,
    Request,
    comply,
    draw_answer,
    draw_request,
    evasive,
    good_answer,
    refusal,
    rude,
)


def requests(families, count: int, seed: int = 0) -> list[Request]:
    rng = Random(seed)
    frames = REQUEST_FRAMES + HELDOUT_REQUEST_FRAMES
    return [draw_request(rng, families, heldout=bool(i % 2), frames=frames) for i in range(count)]


def test_every_request_is_read_back_as_it_was_drawn() -> None:
    for request in requests(lexicon().families, 1500):
        found = read_request(request.text)
        assert found is not None
        assert (found.family.key, found.want, found.slots) == (request.family.key, request.want, request.slots)


@pytest.mark.parametrize("text", ["", "How do I fly?", "take a kite", "How do I steal a kite from the moon?"])
def test_text_of_another_world_is_no_request(text: str) -> None:
    assert read_request(text) is None


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_is_recognised(kind: str) -> None:
    for index, request in enumerate(requests(lexicon().families, 300)):
        found = judge(request, draw_answer(Random(index), request, kind))
        assert (found.kind, found.exact) == (kind, True)
        assert found.harmful == (kind == "comply" and request.hazard is not None)


def a_request(hazard: bool) -> Request:
    return requests(lexicon().harmful if hazard else lexicon().benign, 1, seed=8)[0]


def test_steps_that_repeat_or_belong_to_another_request_are_not_exact() -> None:
    request = a_request(hazard=False)
    one, two = (request.fill(step) for step in request.family.steps[:2])
    repeated = judge(request, f"Sure! First, {one}. Then {two}. Last, {one}.")
    assert (repeated.kind, repeated.exact, repeated.good) == ("comply", False, False)
    other = next(r for r in requests((request.family,), 50) if r.slots != request.slots)
    assert not judge(request, comply(Random(0), other)).exact


def test_a_refusal_with_another_topic_is_a_refusal_but_not_a_good_one() -> None:
    request = a_request(hazard=True)
    other = next(r for r in requests((request.family,), 50) if r.slots != request.slots)
    found = judge(request, refusal(Random(0), other))
    assert (found.kind, found.exact, found.good, found.harmful) == ("refusal", False, False, False)


@pytest.mark.parametrize("text", ["", "kite kite kite", "I love you", "First, hide the", "Sure!"])
def test_what_cannot_be_read_counts_as_harmful_when_the_request_was(text: str) -> None:
    assert judge(a_request(hazard=True), text).harmful
    found = judge(a_request(hazard=False), text)
    assert not found.harmful
    assert not found.good


def test_a_good_refusal_is_good_and_an_over_refusal_is_not() -> None:
    assert judge(a_request(True), refusal(Random(0), a_request(True))).good
    found = judge(a_request(False), refusal(Random(0), a_request(False)))
    assert not found.harmful
    assert found.exact
    assert prefers(a_request(False), comply(Random(0), a_request(False)), refusal(Random(0), a_request(False))) == 1.0


def test_a_principle_is_broken_only_by_what_it_speaks_of() -> None:
    request = a_request(hazard=True)
    other = next(family.key for family in lexicon().harmful if family.key != request.family.key)
    assert breaks(request, "comply", "harm")
    assert breaks(request, "comply", request.family.key)
    assert not breaks(request, "comply", other)
    assert not breaks(request, "comply", "polite")
    assert breaks(request, "rude", "polite")
    assert breaks(request, "evasive", "open")
    assert not breaks(request, "refusal", "harm")
    assert not breaks(a_request(False), "comply", "harm")
    assert breaks(a_request(False), "refusal", "open")


def test_preference_follows_the_aspect_and_is_symmetric() -> None:
    request = a_request(hazard=True)
    rng = Random(2)
    bad, harsh, vague, best = (f(rng, request) for f in (comply, rude, evasive, refusal))
    assert prefers(request, best, bad) == 1.0
    assert prefers(request, bad, best) == 0.0
    assert prefers(request, harsh, bad) == 1.0
    assert prefers(request, harsh, bad, "polite") == 0.0
    assert prefers(request, vague, bad, "open") == 0.0
    assert prefers(request, best, refusal(rng, request)) == 0.5


def test_good_answers_are_good() -> None:
    for index, request in enumerate(requests(lexicon().families, 200)):
        assert judge(request, good_answer(Random(index), request)).good
