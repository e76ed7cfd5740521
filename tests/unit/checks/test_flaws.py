"""Which flaw is named, and only what is looked for."""

from typing import get_args

import pytest

from cai.checks.flaws import critique_flaw, revision_flaw
from cai.config.critique import Check

ALL: tuple[Check, ...] = get_args(Check)
BEFORE = "Go to the counter and fill in the form. They will tell you the rest."
CRITIQUE = "The response fails to say which form it is, and it should have named the office."
REVISION = "Ask at the town hall for form 12. You can fill it in there."

FLAWED: dict[Check, str] = {
    "truncated": "Ask at the town hall. They have the",
    "looping": "Ask at the town hall. " * 12,
    "role_confusion": CRITIQUE,
    "unchanged": BEFORE.upper(),
}


@pytest.mark.parametrize("check", ALL)
def test_each_flaw_of_a_revision_is_found_if_it_is_looked_for(check: Check) -> None:
    text = FLAWED[check]
    assert revision_flaw(text, None, BEFORE, "Say which form.", ALL) == check
    others = tuple(other for other in ALL if other != check)
    assert revision_flaw(text, "stop", BEFORE, "Say which form.", others) is None


def test_a_good_revision_has_no_flaw() -> None:
    assert revision_flaw(REVISION, None, BEFORE, CRITIQUE, ALL) is None
    assert revision_flaw(REVISION, "stop", BEFORE, None, ALL) is None


def test_a_loop_up_to_the_limit_is_called_a_loop() -> None:
    assert revision_flaw(FLAWED["looping"], "length", BEFORE, None, ALL) == "looping"
    assert revision_flaw(REVISION, "repetition", BEFORE, None, ALL) == "looping"
    assert revision_flaw(REVISION, "length", BEFORE, None, ALL) == "truncated"


def test_the_flaws_of_a_critique() -> None:
    assert critique_flaw(CRITIQUE, "stop", BEFORE, ALL) is None
    assert critique_flaw(REVISION, "stop", BEFORE, ALL) == "role_confusion"
    assert critique_flaw(CRITIQUE, "length", BEFORE, ALL) == "truncated"
    assert critique_flaw("It is rude. " * 12, None, BEFORE, ALL) == "looping"
    assert critique_flaw(REVISION, "stop", BEFORE, ("looping", "unchanged")) is None
