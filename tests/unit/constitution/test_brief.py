"""Which principle a round is about: by strategy, from names alone."""

from collections import Counter
from typing import Any

import pytest

from cai.config.critique import PrinciplesConfig
from cai.constitution.brief import Brief, briefs
from cai.constitution.schema import Principle


def principle(name: str, **fields: Any) -> Principle:
    texts = {
        "statement": f"Be {name}.",
        "critique_request": f"Is it {name}?",
        "revision_request": f"Make it {name}.",
        "comparison_question": f"Which is more {name}?",
    }
    return Principle.model_validate({"id": name, **texts, **fields})


FOUR = [principle(name) for name in ("kind", "fair", "safe", "true")]


def names(strategy: Any, rounds: int, prompt_id: str = "p", hazard: str | None = None, of: Any = FOUR) -> list[str]:
    found = briefs(of, PrinciplesConfig(strategy=strategy), 0, prompt_id, hazard, rounds)
    assert all(len(brief.principle_ids) == 1 for brief in found)
    return [brief.principle_ids[0] for brief in found]


@pytest.mark.parametrize("strategy", ["independent", "without_replacement", "by_hazard", "sequential", "all"])
def test_a_draw_is_repeated_whatever_the_number_of_rounds(strategy: Any) -> None:
    config = PrinciplesConfig(strategy=strategy)
    long = briefs(FOUR, config, 3, "p", None, 9)
    assert len(long) == 9
    assert briefs(FOUR, config, 3, "p", None, 4) == long[:4]
    assert briefs(FOUR, config, 3, "p", None, 0) == []


@pytest.mark.parametrize("strategy", ["independent", "without_replacement", "by_hazard"])
def test_the_order_of_the_file_does_not_matter_to_draws(strategy: Any) -> None:
    for prompt_id in "abcdef":
        assert names(strategy, 6, prompt_id) == names(strategy, 6, prompt_id, of=FOUR[::-1])


def test_independent_draws_repeat_principles() -> None:
    drawn = [names("independent", 4, str(number)) for number in range(200)]
    assert any(len(set(one)) < 4 for one in drawn)
    assert set(Counter(name for one in drawn for name in one)) == {"kind", "fair", "safe", "true"}


def test_dealt_principles_come_back_only_when_all_had_their_turn() -> None:
    firsts = set()
    for number in range(50):
        drawn = names("without_replacement", 10, str(number))
        assert len(set(drawn[:4])) == len(set(drawn[4:8])) == 4
        firsts.add(tuple(drawn[:4]) == tuple(drawn[4:8]))
    assert firsts == {False, True} or firsts == {False}


def test_a_greater_weight_is_dealt_sooner() -> None:
    heavy = [principle("kind", weight=20), *FOUR[1:]]
    first = Counter(names("without_replacement", 1, str(number), of=heavy)[0] for number in range(300))
    assert first["kind"] > 200


def test_the_order_of_the_file_is_kept_in_sequence() -> None:
    assert names("sequential", 6) == ["kind", "fair", "safe", "true", "kind", "fair"]
    assert names("sequential", 2, of=FOUR[::-1]) == ["true", "safe"]


def test_the_hazard_of_the_prompt_chooses() -> None:
    some = [principle("kind", hazards=["hte"]), principle("safe", applies_to={"hazards": ["vcr"]}), principle("true")]
    for number in range(20):
        assert set(names("by_hazard", 5, str(number), "hte", some)) == {"kind"}
        assert set(names("by_hazard", 5, str(number), "vcr", some)) == {"safe"}
    # Nobody knows the hazard, or no principle is about it: then all may be drawn.
    for hazard in (None, "prv"):
        found = {name for number in range(40) for name in names("by_hazard", 5, str(number), hazard, some)}
        assert found == {"kind", "safe", "true"}


def test_all_at_once_names_and_says_them_all() -> None:
    (brief,) = briefs(FOUR, PrinciplesConfig(strategy="all"), 0, "p", None, 1)
    assert brief.principle_ids == ("kind", "fair", "safe", "true")
    assert brief.statement == "Be kind. Be fair. Be safe. Be true."
    assert brief.critique_request == "Is it kind? Is it fair? Is it safe? Is it true?"


def test_nothing_is_said_twice() -> None:
    both = [principle("kind", constraints=["Be short."]), principle("fair", constraints=["Be short.", "Be brief."])]
    assert Brief.of(both).constraints == ("Be short.", "Be brief.")
    same = [both[0], both[0].model_copy(update={"id": "nice"})]
    assert Brief.of(same).critique_request == "Is it kind?"
