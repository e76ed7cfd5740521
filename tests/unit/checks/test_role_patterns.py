"""The shipped phrases can be read, and each kind is found."""

import pytest

from cai.checks.role_patterns import role_book
from cai.refusals.sentences import words


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("The response fails to say why.", "about"),
        ("The user interface can be blue.", "exception"),
        ("There is nothing harmful in it.", "verdict"),
        ("I apologize for that.", "apology"),
        ("You are right.", "address"),
        ("Here is a better answer:", "handover"),
    ],
)
def test_a_phrase_of_each_kind_is_found(text: str, sign: str) -> None:
    assert sign in {hit.kind for hit in role_book().find(words(text))}
