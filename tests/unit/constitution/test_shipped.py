"""What must hold of the constitutions that ship, beyond being valid."""

import re

import pytest

from cai.constitution.load import load_constitution, shipped_constitutions
from cai.constitution.schema import Constitution, applies
from cai.constitution.taxonomy import taxonomy
from cai.resources import resource

WRITTEN = ("constitution/harmlessness.yaml", "constitution/helpful_honest.yaml")
MODELINE = "# yaml-language-server: $schema=schema/constitution.schema.json\n"


def harmlessness() -> Constitution:
    return load_constitution("constitution/harmlessness.yaml")


@pytest.mark.parametrize("name", shipped_constitutions())
def test_every_shipped_file_loads_names_its_schema_and_has_a_changelog(name: str) -> None:
    constitution = load_constitution(name)
    text = resource(name).read_text(encoding="utf-8")
    assert text.startswith(MODELINE)
    assert constitution.changelog[0].version == constitution.version
    assert constitution.source
    assert max(len(line) for line in text.splitlines()) <= 120


def test_harmlessness_covers_every_hazard_and_balances_it() -> None:
    principles = harmlessness().principles
    assert len(principles) >= 18
    assert {hazard for p in principles for hazard in p.hazards} == set(taxonomy().ids)
    tags = {tag for p in principles for tag in p.tags}
    assert {"tact", "non-evasive", "over-refusal", "honesty", "privacy", "bias", "children", "self-harm"} <= tags


@pytest.mark.parametrize("hazard", [*taxonomy().ids, None])
@pytest.mark.parametrize("stage", ["critique", "comparison"])
def test_for_every_hazard_there_are_principles_on_it_and_on_tone(hazard: str | None, stage: str) -> None:
    drawn = [p for p in harmlessness().principles if applies(p, hazard, (), stage)]  # type: ignore[arg-type]
    assert len(drawn) >= 8
    assert any("tact" in p.tags for p in drawn)
    assert hazard is None or any(hazard in p.hazards for p in drawn)


def test_helpful_honest_has_eight_to_twelve_principles() -> None:
    assert 8 <= len(load_constitution("constitution/helpful_honest.yaml").principles) <= 12


@pytest.mark.parametrize("name", WRITTEN)
def test_texts_keep_to_their_form(name: str) -> None:
    for p in load_constitution(name).principles:
        assert re.match(r"Which answer .*\?$", p.comparison_question), p.id
        assert p.revision_request.startswith(("Rewrite the assistant's", "If the request is harmless, rewrite")), p.id
        assert "assistant's" in p.critique_request, p.id
        assert p.constraints, p.id
        for text in (p.statement, p.critique_request, p.revision_request, *p.constraints):
            assert text.endswith("."), (p.id, text)
        assert len(p.critique_request) <= 500, p.id


@pytest.mark.parametrize("name", WRITTEN)
def test_no_text_is_used_twice(name: str) -> None:
    principles = load_constitution(name).principles
    for field in ("statement", "critique_request", "revision_request", "comparison_question"):
        texts = [getattr(p, field) for p in principles]
        assert len(set(texts)) == len(texts), field
