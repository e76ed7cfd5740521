from typing import Any

import pytest
from pydantic import ValidationError

from cai.constitution.schema import AppliesTo, Constitution, Principle, applies

TEXTS = {"statement": "s", "critique_request": "c", "revision_request": "r", "comparison_question": "q"}


def principle(name: str = "rule", **changes: Any) -> Principle:
    return Principle.model_validate({"id": name, **TEXTS, **changes})


def constitution(*principles: Principle, **changes: Any) -> Constitution:
    return Constitution.model_validate({"name": "c", "version": "1.0.0", "principles": principles, **changes})


@pytest.mark.parametrize(
    ("where", "hazard", "tags", "stage", "expected"),
    [
        ({}, None, (), "critique", True),
        ({}, "vcr", ("red",), "comparison", True),
        ({"hazards": ("vcr",)}, "vcr", (), "critique", True),
        ({"hazards": ("vcr",)}, "prv", (), "critique", False),
        ({"hazards": ("vcr",)}, None, (), "critique", True),
        ({"hazards": ("vcr",)}, None, ("benign",), "critique", True),
        ({"tags": ("benign", "chat")}, None, ("chat", "other"), "critique", True),
        ({"tags": ("benign",)}, "vcr", (), "critique", False),
        ({"stages": ("critique",)}, None, (), "critique", True),
        ({"stages": ("critique",)}, None, (), "comparison", False),
        ({"stages": ("critique",), "hazards": ("vcr",), "tags": ("red",)}, "vcr", ("red",), "critique", True),
        ({"stages": ("critique",), "hazards": ("vcr",), "tags": ("red",)}, "vcr", (), "critique", False),
    ],
)
def test_where_a_principle_applies(
    where: dict[str, Any], hazard: str | None, tags: tuple[str, ...], stage: Any, expected: bool
) -> None:
    assert applies(principle(applies_to=AppliesTo(**where)), hazard, tags, stage) is expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Two Words"}, "hyphens"),
        ({"id": "trailing-"}, "hyphens"),
        ({"id": "line\n"}, "hyphens"),
        ({"statement": "  \n"}, "empty"),
        ({"weight": 0}, "greater than 0"),
        ({"weight": -1}, "greater than 0"),
        ({"weight": float("inf")}, "finite|less than"),
        ({"weight": float("nan")}, "finite|greater"),
        ({"hazards": ("vrc",)}, "did you mean `vcr`"),
        ({"hazards": ("xyz123",)}, "hazards: vcr, ncr"),
        ({"applies_to": {"stages": ("draft",)}}, "critique"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_a_principle_may_not_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        principle(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1.0"},
        {"version": "v1.0.0"},
        {"name": "No Spaces"},
        {"principles": ()},
        {"changelog": ({"version": "1.0.0", "date": "22.11.2026", "note": "n"},)},
        {"changelog": ({"version": "1.0.0"},)},
    ],
)
def test_what_a_constitution_may_not_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        constitution(principle(), **changes)


def test_ids_are_unique_and_principles_are_found_by_them() -> None:
    with pytest.raises(ValidationError, match=r"`a` is already the id of principles\[0\]"):
        constitution(principle("a"), principle("b"), principle("a"))
    both = constitution(principle("a"), principle("b"))
    assert both.principle("b").id == "b"
    with pytest.raises(KeyError):
        both.principle("c")


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        principle().weight = 2  # type: ignore[misc]


def test_the_fingerprint_sees_what_changes_answers_and_nothing_else() -> None:
    base = constitution(principle("a"), principle("b"))
    same = constitution(
        principle("b"),
        principle("a"),
        name="other",
        version="2.0.0",
        description="d",
        source="s",
        owners=("me",),
        changelog=({"version": "2.0.0", "note": "n"},),
    )
    assert base.fingerprint == same.fingerprint
    changes: list[dict[str, Any]] = [
        {"statement": "x"},
        {"weight": 2.0},
        {"critique_request": "x"},
        {"revision_request": "x"},
        {"constraints": ("x",)},
        {"comparison_question": "x"},
        {"applies_to": {"stages": ("critique",)}},
    ]
    prints = {constitution(principle("a", **change), principle("b")).fingerprint for change in changes}
    assert len(prints) == len(changes)
    assert base.fingerprint not in prints
    assert base.fingerprint != constitution(principle("a")).fingerprint
