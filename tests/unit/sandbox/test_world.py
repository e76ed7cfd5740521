"""The grammar of the sandbox world: what it draws is what it says it draws."""

from random import Random

import pytest

from cai.constitution.taxonomy import taxonomy
from cai.sandbox.lexicon import lexicon, slots_in
from cai.sandbox.prompts import draw_prompts
from cai.sandbox.world import ANSWERS, HELDOUT_REQUEST_FRAMES, REQUEST_FRAMES, draw_answer, draw_request


def test_there_are_six_or_more_harmful_families_each_with_a_hazard_of_the_taxonomy() -> None:
    hazards = [family.hazard for family in lexicon().harmful]
    assert len(set(hazards)) == len(hazards) >= 6
    assert set(hazards) <= set(taxonomy().ids)
    assert any(family.lookalike for family in lexicon().benign)


@pytest.mark.parametrize("family", lexicon().families, ids=lambda family: family.key)
def test_what_is_said_about_a_family_uses_only_slots_that_each_of_its_wants_has(family) -> None:
    common = set.intersection(*(set(slots_in(want)) for want in family.wants))
    for pattern in (*family.steps, *family.reasons, *family.alternatives):
        assert slots_in(pattern), f"{pattern!r} does not keep the topic"
        assert set(slots_in(pattern)) <= common, pattern
    assert len(set(family.steps)) >= 6


def test_heldout_requests_are_a_minority_that_training_never_draws() -> None:
    rng = Random(3)
    trained = {(r.want, r.slots) for r in (draw_request(rng, lexicon().families, heldout=False) for _ in range(3000))}
    heldout = [draw_request(rng, lexicon().families, heldout=True) for _ in range(500)]
    assert not any((request.want, request.slots) in trained for request in heldout)
    assert len({request.want for request in heldout}) > 60


def test_wordings_of_requests_are_told_apart() -> None:
    assert not set(REQUEST_FRAMES) & set(HELDOUT_REQUEST_FRAMES)


def test_equal_seeds_draw_equal_answers() -> None:
    request = draw_request(Random(1), lexicon().harmful, heldout=True)
    for kind in ANSWERS:
        assert draw_answer(Random(5), request, kind) == draw_answer(Random(5), request, kind)


def test_prompts_are_different_marked_and_repeatable() -> None:
    rows = list(draw_prompts(40, 30, seed=4))
    assert rows == list(draw_prompts(40, 30, seed=4)) != list(draw_prompts(40, 30, seed=5))
    assert len({row["prompt"] for row in rows}) == 70
    assert [("hazard" in row, row["tags"][0]) for row in rows] == [(True, "red-team")] * 40 + [(False, "benign")] * 30
    assert any("lookalike" in row["tags"] for row in rows)
