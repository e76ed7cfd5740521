"""The pieces of each side are its text, and only what differs is marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.report import diff
from cai.report.diff import Piece, changed_share, marked

WORDS = st.lists(st.sampled_from(["the", "cat", "sat.", "on ", "a\n", "mat,", "日本語", "  ", "ü"])).map(" ".join)


@given(WORDS, WORDS)
def test_the_pieces_of_each_side_are_its_text(before: str, after: str) -> None:
    found = marked(before, after)
    assert "".join(piece.text for piece in found.before) == before
    assert "".join(piece.text for piece in found.after) == after
    assert {piece.kind for piece in found.before} <= {"same", "gone"}
    assert {piece.kind for piece in found.after} <= {"same", "new"}
    kept = [" ".join(piece.text for piece in side if piece.kind == "same").split() for side in found]
    assert kept[0] == kept[1]


def test_only_what_differs_is_marked() -> None:
    found = marked("Put the blade in the red box today.", "Put the spoon in the red box today.")
    assert found.before == (Piece("same", "Put the "), Piece("gone", "blade"), *_rest)
    assert found.after == (Piece("same", "Put the "), Piece("new", "spoon"), *_rest)


_rest = (Piece("same", " in the red box today."),)


def test_one_word_that_stayed_between_two_changes_is_no_island() -> None:
    found = marked("one two three", "four two five")
    assert [piece.kind for piece in found.before] == ["gone"]
    assert [piece.text for piece in found.after] == ["four two five"]


def test_a_script_without_spaces_is_compared_by_character() -> None:
    found = marked("日本語を話す", "日本人を話す")
    assert Piece("gone", "語") in found.before and Piece("new", "人") in found.after


def test_a_comparison_that_would_take_too_long_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_MOST", 5)
    assert marked("a b c", "a b d") == ((Piece("gone", "a b c"),), (Piece("new", "a b d"),))


def test_the_share_of_changed_words() -> None:
    assert changed_share("a b", "a b") == 0
    assert changed_share("a b", "b a") == 0
    assert changed_share("a b", "c d") == 1
    assert changed_share("a b", "a c") == 0.5
    assert changed_share("", " ") == 0
