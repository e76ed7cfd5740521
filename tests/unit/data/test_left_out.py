"""Rows that are not written, and why."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cai.config.stages import GenerateConfig
from cai.data.finished import TRAJECTORY
from cai.data.left_out import LeftOut
from cai.data.tables import Provenance, preference_rows, sft_rows
from cai.store.reader import JournalRecord

Make = Callable[..., JournalRecord]


def settings(comparison: dict[str, Any] | None = None, **rows: Any) -> GenerateConfig:
    return GenerateConfig.model_validate({"rounds": 2, "comparison": comparison or {}, "filters": {"rows": rows}})


def kept(config: GenerateConfig, origin: Provenance, *records: JournalRecord) -> tuple[Counter[str], Counter[str]]:
    """Texts that are written, each with its column."""
    sft, preferences = LeftOut(config, ()), LeftOut(config, ())
    for record in records:
        written = sft.sft(sft_rows(record, config, origin), record)
        pairs = preferences.preferences(preference_rows(record, origin), record)
        assert len(written) + len(pairs) <= 3
    return sft.reasons, preferences.reasons


def flawed(record: JournalRecord, round_: int, flaw: str) -> JournalRecord:
    standing = record.steps[TRAJECTORY]
    body = json.loads(json.dumps(standing.body))
    body["rounds"][round_ - 1]["flaw"] = flaw
    return replace(record, steps={**record.steps, TRAJECTORY: replace(standing, body=body)})


def test_ties_and_near_ties_have_reasons(a_record: Make, origin: Provenance) -> None:
    config = settings({"min_margin": 0.2})
    records = [a_record(text, p_a=p_a) for text, p_a in [("a", 0.5), ("b", 0.45), ("c", 0.59), ("d", 0.39), ("e", 0.9)]]
    assert kept(config, origin, *records) == ({}, {"tie": 1, "near tie": 2})


def test_flawed_answers_are_left_out_of_both(a_record: Make, origin: Provenance) -> None:
    last, first = flawed(a_record("a"), 2, "looping"), flawed(a_record("b"), 1, "truncated")
    assert kept(settings(), origin, last) == ({"flaw: looping": 1}, {"flaw: looping": 1})
    # The comparison is of the draft and the last revision, which is sound.
    assert kept(settings(), origin, first) == ({"flaw: truncated": 1}, {})
    assert kept(settings(flawed=False), origin, last, first) == ({}, {})


def test_leaks_and_empty_answers_are_left_out_wherever_they_stand(a_record: Make, origin: Provenance) -> None:
    leaky = a_record("a", answers=("bad", "better", "Revision: best"))
    assert kept(settings(), origin, leaky) == ({"template text: turn": 1}, {"template text: turn": 1})
    rejected = a_record("b", answers=("Human: bad", "better", "best"))
    assert kept(settings(), origin, rejected) == ({}, {"template text: turn": 1})
    assert kept(settings(template_text=None), origin, leaky, rejected) == ({}, {})


def test_masked_rows_are_written_and_counted(a_record: Make, origin: Provenance) -> None:
    config = settings(personal_data={})
    record = a_record("I am me@here.example", answers=("bad a@b.example", "better", "best"))
    filters = LeftOut(config, ())
    rows = filters.sft(sft_rows(record, config, origin), record)
    assert [row["prompt"][0]["content"] for row in rows] == ["I am <EMAIL>"] * 2
    assert (filters.masked, filters.reasons) == (2, {})
    pairs = LeftOut(config, ()).preferences(preference_rows(record, origin), record)
    assert pairs[0]["rejected"] == [{"role": "assistant", "content": "bad <EMAIL>"}]
    assert pairs[0]["prompt_id"] == record.prompt.id


def test_answers_that_differ_in_what_is_masked_are_no_pair(a_record: Make, origin: Provenance) -> None:
    record = a_record("x", answers=("Ask a@b.example", "better", "Ask c@d.example"))
    assert kept(settings(personal_data={}), origin, record) == ({}, {"equal answers when masked": 1})


def test_near_duplicates_are_those_of_another_prompt(a_record: Make, origin: Provenance) -> None:
    same = [a_record("a"), a_record("b")]
    assert kept(settings(near_duplicates={}), origin, *same) == ({"near-duplicate": 2}, {"near-duplicate": 1})
    assert kept(settings(), origin, *same) == ({}, {})
