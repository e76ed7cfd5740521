"""A verdict is read from JSON alone, and its evidence must be a real quote."""

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cai.constitution.brief import Brief
from cai.critique.verdict import MAX_EVIDENCE_CHARS, SCHEMA, ask_verdict, is_quote, read_verdict
from cai.dialogue import Dialogue
from cai.records import Verdict

GOOD = {"violates": True, "severity": 3, "evidence": "Go away"}


def test_a_verdict_is_asked_for_beside_the_dialogue(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script(json.dumps(GOOD))
    found = asyncio.run(ask_verdict(answered, "Go away.", kind, ask, "critique/verdict", max_new_tokens=50))
    assert found == Verdict(True, 3, "Go away", True)
    assert ask.asked == [("critic", "critique/verdict")]
    assert "Be kind." in ask.prompts[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        '{"violates": true, "severity": 3, "evi',
        "[]",
        "null",
        "[" * 100_000,
        json.dumps(GOOD | {"violates": "yes"}),
        json.dumps(GOOD | {"severity": 5}),
        json.dumps(GOOD | {"severity": True}),
        json.dumps(GOOD | {"severity": 1.5}),
        json.dumps(GOOD | {"evidence": None}),
        json.dumps({"violates": True, "severity": 1}),
    ],
)
def test_what_is_no_verdict_is_none(text: str) -> None:
    assert read_verdict(text, "Go away.") is None


def test_a_control_character_in_the_evidence_does_not_spoil_a_verdict() -> None:
    text = '{"violates": true, "severity": 3, "evidence": "Go\taway"}'
    assert read_verdict(text, "Go away.") == Verdict(True, 3, "Go\taway", True)


def test_evidence_is_bounded_and_looked_up() -> None:
    found = read_verdict(json.dumps(GOOD | {"evidence": "x" * 1000}), "x" * 2000)
    assert found is not None and len(found.evidence) == MAX_EVIDENCE_CHARS and found.quoted
    assert read_verdict(json.dumps(GOOD | {"evidence": "Get lost"}), "Go away.") == Verdict(True, 3, "Get lost", False)


@pytest.mark.parametrize(
    ("evidence", "quoted"),
    [
        ("go  AWAY", True),
        ('"Go away."', True),
        ("\u201cGo away\u201d", True),
        ("Go  away. Now", False),
        ("", False),
        ('""', False),
        ("away go", False),
    ],
)
def test_a_quote_is_known_by_its_words(evidence: str, quoted: bool) -> None:
    assert is_quote(evidence, "Please go\naway.") == quoted


def test_the_schema_fits_what_is_read() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA))
    assert validator.is_valid(GOOD)
    assert not validator.is_valid(GOOD | {"severity": 7})
    assert not validator.is_valid(GOOD | {"more": 1})
