"""Groups of near-duplicates do not depend on the order, and near-duplicates are never apart."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.config.stages import SplitConfig
from cai.data.groups import Place, PromptGroups
from cai.data.splits import split_of_group
from cai.near.shingles import jaccard, normalised, shingles
from cai.records import Message, Prompt

BREAD = "How do I bake a good loaf of bread at home without a machine and with little time?"


def prompt(text: str, *before: Message) -> Prompt:
    return Prompt.of((*before, Message("user", text)), "p.txt:1")


def places(prompts: Sequence[Prompt], linked: float | None = 0.8, same: float | None = 0.9) -> dict[str, Place]:
    with PromptGroups(linked, same) as groups:
        groups.survey(prompts)
        return {each.id: groups.place(each.id) for each in prompts}


def similarity(first: Prompt, second: Prompt) -> float:
    one, two = (shingles(normalised(each.messages[-1].content)) for each in (first, second))
    return jaccard(one, two)


WORDS = st.sampled_from(["bread", "cake", "wine", "home", "stone", "a", "the", "quick", "pot", "12", "\u9762\u5305"])


@st.composite
def families(draw: st.DrawFn) -> list[Prompt]:
    """Long texts, and versions of them that differ by little, in any order."""
    texts: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        words = draw(st.lists(WORDS, min_size=25, max_size=40))
        texts.append(" ".join(words))
        for _ in range(draw(st.integers(0, 4))):
            place, word = draw(st.integers(0, len(words))), draw(WORDS)
            changed = [*words[:place], word, *words[place:]]
            texts.append(draw(st.sampled_from([" ".join(changed), " ".join(changed).upper() + "?", ", ".join(words)])))
    return draw(st.permutations([prompt(text) for text in dict.fromkeys(texts)]))


@given(families(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_near_duplicates_are_never_in_different_splits(prompts: list[Prompt], seed: int) -> None:
    config = SplitConfig(eval=0.5, mode="disjoint")
    found = places(prompts)
    splits = {key: split_of_group(place, len(prompts), config, seed) for key, place in found.items()}
    for one, two in combinations(prompts, 2):
        # At 0.9 MinHash misses less than one pair in a million; nearer to the threshold the comparison is exact, too.
        if similarity(one, two) >= 0.9:
            assert splits[one.id] == splits[two.id]


@given(families(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_places_do_not_depend_on_the_order(prompts: list[Prompt], random: Random) -> None:
    shuffled = [*prompts, *prompts[:2]]
    random.shuffle(shuffled)
    assert places(shuffled) == places(prompts)


@given(families())
@settings(max_examples=30, deadline=None)
def test_what_is_dropped_has_a_kept_prompt_like_it_and_no_two_kept_ones_are_alike(prompts: list[Prompt]) -> None:
    found = places(prompts)
    by_id = {each.id: each for each in prompts}
    kept = [each for each in prompts if found[each.id].like is None]
    for each in prompts:
        like = found[each.id].like
        if like is not None:
            assert found[like].like is None
            assert like < each.id
            assert similarity(each, by_id[like]) >= 0.9
    assert not [pair for pair in combinations(kept, 2) if similarity(*pair) >= 0.92]


def test_links_go_from_one_to_the_next() -> None:
    chain = [prompt(BREAD), prompt(BREAD + " Thanks"), prompt(BREAD + " Thanks to all of you")]
    assert similarity(chain[0], chain[2]) < 0.8
    found = places(chain, same=None)
    assert {place.leader for place in found.values()} == {min(each.id for each in chain)}
    assert {place.size for place in found.values()} == {3}
    assert all(place.like is None for place in found.values())


def test_prompts_that_are_not_alike_stand_alone() -> None:
    texts = [
        "hi",
        "ho",
        *(f"Question {n}" for n in range(60)),
        *(f"Tell me about topic {n * 7919}." for n in range(60)),
    ]
    for each, place in places([prompt(text) for text in texts]).items():
        assert place == Place(each, 1, None)


def test_only_what_is_said_counts_and_all_of_it() -> None:
    system = Message("system", BREAD * 4)
    two = [prompt("Why?", system), prompt("How so?", system)]
    talk = (Message("user", BREAD), Message("assistant", "In a pot, as follows: knead it, let it rest and bake it."))
    more = [prompt("Why?", *talk), prompt("How?", *talk)]
    found = places([*two, *more])
    assert [found[each.id].size for each in two] == [1, 1]
    assert [found[each.id].size for each in more] == [2, 2]


@pytest.mark.parametrize(("linked", "same"), [(None, None), (None, 0.9), (0.8, None)])
def test_each_comparison_can_be_off(linked: float | None, same: float | None) -> None:
    two = [prompt(BREAD), prompt(BREAD + "!!")]
    found = places(two, linked, same)
    assert {place.size for place in found.values()} == {2 if linked else 1}
    assert sum(place.like is not None for place in found.values()) == (1 if same else 0)


def test_a_prompt_that_was_not_surveyed_stands_alone() -> None:
    with PromptGroups(0.8, 0.9) as groups:
        groups.survey([prompt(BREAD)])
        assert groups.place("f" * 16) == Place("f" * 16, 1, None)
