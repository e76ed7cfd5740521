import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.constitution.draw import draw
from cai.constitution.schema import Principle


def principle(name: str, weight: float = 1.0) -> Principle:
    return Principle(
        id=name,
        statement="s",
        weight=weight,
        critique_request="c",
        revision_request="r",
        comparison_question="q",
    )


NAMES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
RULES = [principle(name, weight) for name, weight in zip(NAMES, [1, 2, 0.5, 1, 3, 1], strict=True)]


def first(rules: list[Principle], prompt: int, seed: int = 7) -> str:
    return draw(rules, seed, f"prompt-{prompt}", 1)[0].id


@settings(deadline=None)
@given(st.permutations(RULES), st.integers(), st.text(), st.integers(0, 9), st.integers(1, 8))
def test_order_never_matters(shuffled: list[Principle], seed: int, prompt: str, round_: int, k: int) -> None:
    prompt = prompt.encode("utf-8", "ignore").decode()
    drawn = draw(shuffled, seed, prompt, round_, k)
    assert drawn == draw(RULES, seed, prompt, round_, k)
    assert len({p.id for p in drawn}) == len(drawn) == min(k, len(RULES))
    assert drawn[0] == draw(RULES, seed, prompt, round_)[0]


def test_frequencies_follow_the_weights() -> None:
    n = 6000
    counts = Counter(first(RULES, i) for i in range(n))
    total = sum(p.weight for p in RULES)
    chi_square = sum((counts[p.id] - n * p.weight / total) ** 2 / (n * p.weight / total) for p in RULES)
    assert chi_square < 20.5  # 5 degrees of freedom: above this once in a thousand; the draw is fixed, so never flaky


@pytest.mark.parametrize("weight", [0.5, 1.0, 4.0])
def test_a_new_principle_moves_draws_only_to_itself(weight: float) -> None:
    new = principle("omega", weight)
    moved = 0
    for i in range(2000):
        before, after = first(RULES, i), first([*RULES, new], i)
        assert after in (before, "omega")
        moved += after == "omega"
    expected = weight / (weight + sum(p.weight for p in RULES))
    assert abs(moved / 2000 - expected) < 4 * math.sqrt(expected * (1 - expected) / 2000)


def test_a_heavier_weight_only_wins_draws_and_new_wording_changes_none() -> None:
    heavier = [principle("alpha", 5), *RULES[1:]]
    reworded = [RULES[0].model_copy(update={"statement": "another"}), *RULES[1:]]
    for i in range(500):
        assert first(heavier, i) in (first(RULES, i), "alpha")
        assert first(reworded, i) == first(RULES, i)


def test_seed_prompt_and_round_each_change_the_draw() -> None:
    base = [draw(RULES, 1, f"p{i}", 1)[0].id for i in range(100)]
    assert base == [draw(RULES, 1, f"p{i}", 1)[0].id for i in range(100)]
    assert base != [draw(RULES, 2, f"p{i}", 1)[0].id for i in range(100)]
    assert base != [draw(RULES, 1, f"q{i}", 1)[0].id for i in range(100)]
    assert base != [draw(RULES, 1, f"p{i}", 2)[0].id for i in range(100)]


def test_draws_are_pinned() -> None:
    """A changed draw would make every journal owe its steps again."""
    assert [draw(RULES, 0, "p", r)[0].id for r in range(1, 7)] == PINNED


PINNED = ["epsilon", "zeta", "delta", "epsilon", "epsilon", "epsilon"]


def test_none_and_too_few() -> None:
    assert draw([], 0, "p", 1) == ()
    with pytest.raises(ValueError, match="at least one"):
        draw(RULES, 0, "p", 1, k=0)
