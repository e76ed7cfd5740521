import pytest

from cai.near.duplicates import NearDuplicates
from cai.near.shingles import jaccard, normalised, shingles

BREAD = "How do I bake a good loaf of bread at home without a machine?"


@pytest.fixture
def texts() -> NearDuplicates:
    return NearDuplicates()


def test_the_first_of_a_group_is_kept(texts: NearDuplicates) -> None:
    assert texts.first_like("a", BREAD) is None
    assert texts.first_like("b", BREAD.upper() + "!!") == "a"
    assert texts.first_like("c", "Please: " + BREAD) == "a"
    assert texts.first_like("d", "What is the capital of France?") is None


def test_what_was_dropped_attracts_nothing(texts: NearDuplicates) -> None:
    texts.first_like("a", BREAD)
    longer = BREAD + " Tell me"
    longest = longer + " more now"
    assert texts.first_like("b", longer) == "a"
    assert jaccard(shingles(normalised(longer)), shingles(normalised(longest))) >= 0.8
    assert texts.first_like("c", longest) is None


def test_short_texts_differ_by_a_word(texts: NearDuplicates) -> None:
    for index, text in enumerate(["hi", "ho", "Tell me about tea.", "Tell me about soap.", "2+2", "2+3", "?", "!"]):
        assert texts.first_like(str(index), text) is None
    assert texts.first_like("again", "HI!") == "0"
    assert texts.first_like("once more", "tell me, about tea") == "2"


def test_texts_without_spaces_are_compared_by_their_characters(texts: NearDuplicates) -> None:
    asked = "\u5982\u4f55\u5728\u5bb6\u91cc\u4e0d\u7528\u9762\u5305\u673a\u505a\u597d\u5403\u7684\u9762\u5305"
    assert texts.first_like("a", asked) is None
    assert texts.first_like("b", asked + "\uff1f") == "a"
    assert texts.first_like("c", asked[:8] + "\u70e4\u51fa\u65b0\u9c9c\u7684\u997c\u5e72") is None


def test_adding_keeps_every_text_and_tells_whom_it_is_near_to(texts: NearDuplicates) -> None:
    first, near_first = texts.add("a", BREAD)
    second, near_second = texts.add("b", BREAD + " OK")
    third, near_third = texts.add("c", BREAD + " okay")
    assert near_first == []
    assert [near.number for near in near_second] == [first]
    assert {near.number for near in near_third} == {first, second}
    assert all(0.8 <= near.similarity < 1 for near in near_third)
    assert [texts.key(number) for number in (first, second, third)] == ["a", "b", "c"]


def test_a_lower_threshold_finds_more() -> None:
    other = BREAD.replace("bread", "cake")
    assert NearDuplicates(0.95).first_like("a", BREAD) is None
    with NearDuplicates(0.7) as loose, NearDuplicates(0.95) as strict:
        loose.first_like("a", BREAD), strict.first_like("a", BREAD)
        assert loose.first_like("b", other) == "a"
        assert strict.first_like("b", other) is None


def test_lone_surrogates_and_empty_texts_are_texts(texts: NearDuplicates) -> None:
    assert texts.first_like("a", "\ud800 and more") is None
    assert texts.first_like("b", "\ud800 and more") == "a"
    assert texts.first_like("c", "") is None
    assert texts.first_like("d", " ") == "c"


def test_thousands_of_texts_from_one_pattern_stay_quick(texts: NearDuplicates) -> None:
    kept = sum(texts.first_like(str(n), f"Tell me about topic number {n * 7919}.") is None for n in range(1500))
    assert kept > 100
