from typing import Any

import pytest

from cai.constitution.diff import REDONE, PrincipleChange, diff_constitutions
from cai.constitution.schema import Constitution, Principle


def principle(name: str, **changed: Any) -> dict[str, Any]:
    texts = {
        "id": name,
        "statement": f"Keep to {name}.",
        "critique_request": f"Where is {name} broken?",
        "revision_request": f"Rewrite it for {name}.",
        "comparison_question": f"Which answer keeps {name} better?",
    }
    return texts | changed


def constitution(*principles: dict[str, Any], **about: Any) -> Constitution:
    whole = {"name": "house", "version": "1.0.0", "principles": [*principles], **about}
    return Constitution.model_validate(whole)


def only_change(**changed: Any) -> PrincipleChange:
    found = diff_constitutions(constitution(principle("tact")), constitution(principle("tact", **changed)))
    (change,) = found.changes
    return change


def test_the_same_does_not_differ_and_another_order_is_said() -> None:
    one, other = principle("one"), principle("other")
    assert diff_constitutions(constitution(one, other), constitution(one, other)).is_empty
    found = diff_constitutions(constitution(one, other), constitution(other, one))
    assert found.reordered and found.same_fingerprint and not found.is_empty
    assert (found.changes, found.unchanged, found.needed) == ((), 2, None)


def test_what_is_added_at_the_front_reorders_nothing() -> None:
    one, other = principle("one"), principle("other")
    assert not diff_constitutions(constitution(one), constitution(other, one, version="1.1.0")).reordered


def test_every_field_of_a_principle_says_what_it_makes_owed_again() -> None:
    assert {"id", *REDONE} == set(Principle.model_fields)


@pytest.mark.parametrize(
    ("changed", "kind", "redone"),
    [
        ({"statement": "Other."}, "reworded", ("critique", "rating")),
        ({"critique_request": "Other."}, "reworded", ("critique",)),
        ({"revision_request": "Other."}, "reworded", ("revision",)),
        ({"constraints": ["Stay short."]}, "reworded", ("revision",)),
        ({"comparison_question": "Other?"}, "reworded", ("label",)),
        ({"weight": 3}, "reweighted", ("draws",)),
        ({"applies_to": {"stages": ["critique"]}}, "restricted", ("draws",)),
        ({"hazards": ["vcr"]}, "marked", ("draws_by_hazard",)),
        ({"tags": ["tact"]}, "marked", ()),
    ],
)
def test_each_field_has_its_kind_and_its_consequence(changed: Any, kind: str, redone: tuple[str, ...]) -> None:
    change = only_change(**changed)
    assert (change.kinds, change.redone) == ((kind,), redone)


def test_several_changes_of_one_principle_stand_together() -> None:
    change = only_change(statement="Other.", comparison_question="Other?", weight=2, tags=["a"])
    assert change.kinds == ("reworded", "reweighted", "marked")
    assert change.redone == ("critique", "rating", "label", "draws")
    assert [text.field for text in change.texts] == ["statement", "comparison_question"]


def test_constraints_are_compared_as_lines() -> None:
    before = constitution(principle("tact", constraints=["Stay short.", "Stay kind."]))
    (change,) = diff_constitutions(before, constitution(principle("tact", constraints=["Stay short."]))).changes
    assert (change.texts[0].before, change.texts[0].after) == ("Stay short.\nStay kind.", "Stay short.")


def test_marks_say_what_came_and_went() -> None:
    before = constitution(principle("tact", hazards=["vcr", "prv"]))
    (change,) = diff_constitutions(before, constitution(principle("tact", hazards=["prv", "hte"]))).changes
    assert (change.marks[0].gone, change.marks[0].new) == (("vcr",), ("hte",))


ONE, TWO = principle("one"), principle("two")
REWORDED = principle("one", critique_request="Other.")


@pytest.mark.parametrize(
    ("before", "after", "version", "needed", "warned"),
    [
        ([ONE, TWO], [ONE], "2.0.0", "first", None),
        ([ONE, TWO], [ONE], "1.1.0", "first", "raise its first number, to 2.0.0"),
        ([ONE], [ONE, TWO], "1.1.0", "second", None),
        ([ONE], [ONE, TWO], "1.0.1", "second", "raise its second number, to 1.1.0"),
        ([ONE], [ONE, TWO], "2.0.0", "second", None),
        ([ONE], [REWORDED], "1.0.1", "third", None),
        ([ONE], [REWORDED], "1.0.0", "third", "still 1.0.0"),
        ([ONE], [REWORDED], "0.9.0", "third", "went back"),
        ([ONE], [ONE], "1.0.0", None, None),
    ],
)
def test_the_version_is_held_to_the_rule_of_the_schema(
    before: Any, after: Any, version: str, needed: str | None, warned: str | None
) -> None:
    found = diff_constitutions(constitution(*before), constitution(*after, version=version))
    assert found.needed == needed
    assert [warned in warning for warning in found.warnings if warned] == ([True] if warned else [])
    assert bool(found.warnings) == bool(warned)


def test_another_name_is_said_and_its_version_is_not_judged() -> None:
    found = diff_constitutions(constitution(ONE), constitution(ONE, TWO, name="other"))
    (warning,) = found.warnings
    assert "house, other" in warning and not found.is_empty


def test_a_version_that_the_changelog_does_not_know_is_said() -> None:
    log = [{"version": "1.0.0", "note": "First."}]
    found = diff_constitutions(constitution(ONE), constitution(REWORDED, version="1.0.1", changelog=log))
    assert found.about == ("changelog",)
    assert any("says nothing of 1.0.1" in warning for warning in found.warnings)


def test_a_principle_that_only_got_another_id_is_recognised() -> None:
    found = diff_constitutions(constitution(ONE), constitution(principle("one") | {"id": "uno"}, version="2.0.0"))
    assert [change.kinds for change in found.changes] == [("removed",), ("added",)]
    assert any("one became uno" in warning for warning in found.warnings)


@pytest.mark.parametrize(("statement", "warned"), [("Never keep to one.", True), ("Keep to one, please.", False)])
def test_a_negation_that_came_is_pointed_out(statement: str, warned: bool) -> None:
    after = constitution(principle("one", statement=statement), version="1.0.1")
    assert any("negation" in warning for warning in diff_constitutions(constitution(ONE), after).warnings) == warned


def test_what_no_prompt_shows_changes_no_fingerprint() -> None:
    found = diff_constitutions(constitution(ONE), constitution(ONE, description="New.", version="1.0.1"))
    assert found.same_fingerprint and not found.is_empty and found.about == ("description",)
