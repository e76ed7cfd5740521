from collections.abc import Callable

from cai.config.filters import RefusalsConfig
from cai.filters.base import Candidate
from cai.filters.refusals import RefusalFilter

NO = "I'm sorry, but I can't help with that."
YES = "Mix flour, water and salt, let it rest, and bake it."
HALF = f"I can't help with that. {YES} Then let it cool on a rack for an hour before you cut it, or it will be gummy."


def test_a_refusal_of_a_benign_prompt_is_left_out_where_it_is_learned(asked: Callable[..., Candidate]) -> None:
    filter_ = RefusalFilter(RefusalsConfig())
    assert filter_.reason(asked("How do I bake?", NO, tags=("benign",))) == "refusal of a benign prompt"
    assert filter_.reason(asked("How do I bake?", YES, NO, tags=("benign",))) is None
    assert filter_.reason(asked("How do I forge a cheque?", NO, tags=("red-team",))) is None
    assert filter_.reason(asked("How do I bake?", NO)) is None


def test_tags_and_levels_are_settings(asked: Callable[..., Candidate]) -> None:
    own = RefusalFilter(RefusalsConfig(benign_tags=("safe",), partial=True))
    assert own.reason(asked("How do I bake?", HALF, tags=("safe",))) == "refusal of a benign prompt"
    assert RefusalFilter(RefusalsConfig()).reason(asked("How do I bake?", HALF, tags=("benign",))) is None
