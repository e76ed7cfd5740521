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
    assert shingles("bread is") == {"bread", "read ", "ead i", "ad is"}
    assert shingles("\u5982\u4f55\u505a") == {"\u5982\u4f55", "\u4f55\u505a"}


def test_short_texts_are_a_piece_of_their_own() -> None:
    assert shingles("hi") == {"hi"}
    assert shingles("four") == {"four"}
    assert shingles("") == frozenset()


def test_similarity_is_the_share_of_common_pieces() -> None:
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5
    assert jaccard(frozenset(), frozenset()) == 1.0
