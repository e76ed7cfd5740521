import pytest

from cai.near.shingles import jaccard, normalised, shingles


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  How do I  bake\tBREAD?\n", "how do i bake bread"),
        ("well-known (and loved)", "well known and loved"),
        ("\uff28\uff49\u3000there\u2026", "hi there"),
        ("stra\u00dfe STRASSE", "strasse strasse"),
        ("a\u200bb", "ab"),
        ("2+3=5 in C++", "2+3=5 in c++"),
        ("\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u4f60\u597d \u4e16\u754c"),
        ("?!", "?!"),
        (" \n ", ""),
    ],
)
def test_case_spaces_and_punctuation_do_not_count(text: str, plain: str) -> None:
    assert normalised(text) == plain


def test_ascii_and_other_texts_are_normalised_alike() -> None:
    every = "".join(chr(code) for code in range(32, 127))
    assert normalised(every + "\u00e9") == normalised(every) + "\u00e9"


def test_pieces_are_of_five_characters_and_of_two_where_a_script_has_no_spaces() -> None:
    assert shingles("bread") == {"    b", "   br", "  bre", " brea", "bread", "read ", "ead  ", "ad   ", "d    "}
    assert shingles("\u5982\u4f55\u505a") == {" \u5982", "\u5982\u4f55", "\u4f55\u505a", "\u505a "}


def test_each_character_is_in_as_many_pieces_as_any_other() -> None:
    for place in range(9):
        changed = "abcdefghi"[:place] + "*" + "abcdefghi"[place + 1 :]
        assert len(shingles("abcdefghi") - shingles(changed)) == 5


def test_short_texts_have_pieces_and_the_empty_text_has_none() -> None:
    assert len(shingles("hi")) == 6
    assert shingles("") == frozenset()


@pytest.mark.parametrize(("first", "second"), [("question 1", "question 12"), ("topic 1234", "topic 1235")])
def test_a_number_tells_short_texts_apart(first: str, second: str) -> None:
    assert jaccard(shingles(first), shingles(second)) < 0.8


def test_similarity_is_the_share_of_common_pieces() -> None:
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5
    assert jaccard(frozenset(), frozenset()) == 1.0
