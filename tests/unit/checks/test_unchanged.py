"""The same answer again."""

import pytest

from cai.checks.unchanged import unchanged

ANSWER = "No, I can't help with that. Call a locksmith!"


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "  no, I can\u2019t help with that \u2014 call a LOCKSMITH",
        f'Here is the revised answer:\n\n"{ANSWER}"',
    ],
)
def test_marks_case_and_a_preface_change_nothing(text: str) -> None:
    assert unchanged(text, ANSWER)


@pytest.mark.parametrize("text", ["No, I can help with that. Call a locksmith!", ANSWER + " Soon.", "", "Yes: no."])
def test_other_words_are_a_change(text: str) -> None:
    assert not unchanged(text, ANSWER)


def test_texts_without_words_are_compared_as_they_are() -> None:
    assert unchanged("\U0001f600 ", "\U0001f600")
    assert not unchanged("\U0001f600", "\U0001f641")
