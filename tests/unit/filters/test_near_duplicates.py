from collections.abc import Callable

from cai.config.filters import NearDuplicatesConfig
from cai.filters.base import Candidate
from cai.filters.near_duplicates import NearAnswerFilter

LONG = "Mix flour, water and salt, let it rest for a night, and bake it in a hot pot until the crust is brown."


def test_nearly_the_same_answer_to_another_prompt_is_left_out(asked: Callable[..., Candidate]) -> None:
    near = NearAnswerFilter(NearDuplicatesConfig())
    assert near.reason(asked("one", LONG)) is None
    assert near.reason(asked("one", LONG + "!")) is None
    assert near.reason(asked("two", LONG.upper())) == "near-duplicate"
    assert near.reason(asked("three", "Buy it.")) is None


def test_both_answers_of_a_pair_count(asked: Callable[..., Candidate]) -> None:
    near = NearAnswerFilter(NearDuplicatesConfig())
    assert near.reason(asked("one", LONG, "Go away, I have no time for any of this nonsense today.")) is None
    assert near.reason(asked("two", LONG, "A shop in your street has what you want, and it is open now.")) is None
