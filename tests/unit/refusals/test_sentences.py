"""Sentences and plain words."""

import pytest

from cai.refusals.sentences import OTHER, sentences, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("I can't, I won't, don't you?", "i cannot i will not do not you"),
        ("I\u2019m sorry, it\u2019s OK; we\u2019ll see", "i am sorry it is ok we will see"),
        ("im sure you cant", "i am sure you cannot"),
        ("**I** _cannot_ he\u00adlp", "i cannot help"),
        ("Ann's dog", "ann dog"),
        ("\uff29 cannot", "i cannot"),
        ("?!", ""),
    ],
)
def test_plain_words(text: str, plain: str) -> None:
    assert " ".join(words(text)) == plain


def test_sentences_and_clauses_after_but() -> None:
    found = [s.text for s in sentences("Sorry, but I can't. Ask e.g. Ann; she knows! (Really?) Yes\nNew line")]
    assert found == ["Sorry", "but I can't.", "Ask e.g.", "Ann", "she knows!", "(Really?", "Yes", "New line"]


def test_list_items_share_their_line_and_lose_their_mark() -> None:
    found = sentences("Do this:\n1. Walk. Then run.\n- Rest\n  b) Eat\nStep 4: Sleep\n\u2022 Wake")
    assert [(s.text, s.item, s.line) for s in found] == [
        ("Do this:", False, 0),
        ("Walk.", True, 1),
        ("Then run.", True, 1),
        ("Rest", True, 2),
        ("Eat", True, 3),
        ("Sleep", True, 4),
        ("Wake", True, 5),
    ]


def test_quotations_count_and_say_nothing() -> None:
    (first, second) = sentences('He said "I can\'t help. No!" Then he left.')
    assert first.text == 'He said "I can\'t help. No!"'
    assert first.words[:2] == ("he", "said")
    assert set(first.words[2:]) == {OTHER}
    assert second.words == ("then", "he", "left")


def test_an_answer_that_is_one_quotation_speaks_for_itself() -> None:
    (only,) = sentences("\u201cI cannot help.\u201d")
    assert only.words == ("i", "cannot", "help")


def test_code_is_told_apart() -> None:
    found = sentences("Run:\n```sh\ni cannot help\n```\nDone")
    assert [(s.code, set(s.words)) for s in found] == [(False, {"run"}), (True, {OTHER}), (False, {"done"})]
