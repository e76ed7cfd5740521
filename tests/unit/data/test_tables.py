"""Rows of the datasets follow from a record's steps alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.config.stages import GenerateConfig
from cai.data.finished import TRAJECTORY
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA, PreferenceRow, Provenance, SftRow, preference_rows, sft_rows
from cai.errors import StorageError
from cai.records import Step
from cai.store.reader import JournalRecord, StepKey

Make = Callable[..., JournalRecord]


def config_of(**settings: Any) -> GenerateConfig:
    return GenerateConfig.model_validate({"rounds": 2, **settings})


def without(record: JournalRecord, stage: str) -> JournalRecord:
    return replace(record, steps={key: step for key, step in record.steps.items() if key.stage != stage})


def changed(record: JournalRecord, stage: str, **values: Any) -> JournalRecord:
    steps = {
        key: replace(step, body={**step.body, **values}) if key.stage == stage else step
        for key, step in record.steps.items()
    }
    return replace(record, steps=steps)


def texts(rows: list[SftRow]) -> list[tuple[int, str]]:
    return [(row["round"], row["completion"][0]["content"]) for row in rows]


def test_each_revision_is_a_row_with_the_principles_used_so_far(a_record: Make, origin: Provenance) -> None:
    record = a_record("b", ("draft", "one", "two", "three"))
    rows = sft_rows(record, config_of(rounds=3), origin)
    assert texts(rows) == [(1, "one"), (2, "two"), (3, "three")]
    assert [row["principle_ids"] for row in rows] == [
        ["principle-1"],
        ["principle-1"],
        ["principle-1", "principle-2"],
    ]
    assert rows[0] == {
        "prompt": [{"role": "user", "content": "b"}],
        "completion": [{"role": "assistant", "content": "one"}],
        "prompt_id": record.prompt.id,
        "principle_ids": ["principle-1"],
        "constitution": "kind|ness",
        "constitution_version": "1.2",
        "round": 1,
        "method": "single_turn",
        "source": "ai",
        "hazard": "vcr",
        "tags": ["t", "t"],
    }


def test_only_the_last_revision_when_asked(a_record: Make, origin: Provenance) -> None:
    rows = sft_rows(a_record("b"), config_of(sft={"revisions": "final"}), origin)
    assert texts(rows) == [(2, "best")]


def test_without_rounds_the_draft_is_the_row(a_record: Make, origin: Provenance) -> None:
    rows = sft_rows(a_record("b", ["draft"]), config_of(rounds=0, comparison={"source": "sampled"}), origin)
    assert texts(rows) == [(0, "draft")]
    assert (rows[0]["method"], rows[0]["principle_ids"]) == ("none", [])


def test_an_answer_that_stayed_gives_no_second_row(a_record: Make, origin: Provenance) -> None:
    record = a_record("b", ("a", "a", "a", "b", "a"))
    assert texts(sft_rows(record, config_of(rounds=4), origin)) == [(1, "a"), (3, "b"), (4, "a")]


def test_a_record_that_was_never_revised_gives_its_draft(a_record: Make, origin: Provenance) -> None:
    record = a_record("b", ("draft", "one"))
    row = record.steps[TRAJECTORY].body["rounds"][0]
    kept = changed(record, "trajectory", rounds=[row | {"revision": None}])
    (found,) = sft_rows(kept, config_of(), origin)
    assert (found["round"], found["completion"][0]["content"], found["method"]) == (0, "draft", "none")
    assert found["principle_ids"] == []


def test_the_retry_that_stands_is_the_row(a_record: Make, origin: Provenance) -> None:
    record = a_record("b")
    retried = replace(record.steps[StepKey("revision", 2, 0)], attempt=1, body={"text": "again"})
    record = replace(record, steps={**record.steps, StepKey("revision", 2, 1): retried})
    rows = record.steps[TRAJECTORY].body["rounds"]
    again = changed(record, "trajectory", rounds=[rows[0], rows[1] | {"revision": 1}])
    assert texts(sft_rows(again, config_of(), origin)) == [(1, "better"), (2, "again")]


def test_failed_steps_are_not_read(a_record: Make, origin: Provenance) -> None:
    record = a_record("b")
    failed = Step(record.prompt.id, "revision", 2, 0, "asked", "failed", {"error": "x"})
    steps = {**record.steps, StepKey("revision", 2, 0): failed}
    with pytest.raises(StorageError, match="revision 2 is not in the journal"):
        sft_rows(replace(record, steps=steps), config_of(), origin)


@pytest.mark.parametrize("stage", ["draft", "revision"])
def test_a_finished_record_without_its_steps_is_an_error(a_record: Make, origin: Provenance, stage: str) -> None:
    record = without(a_record("b"), stage)
    with pytest.raises(StorageError, match=f"its {stage}") as caught:
        sft_rows(record, config_of(), origin)
    assert record.prompt.id in str(caught.value)


@pytest.mark.parametrize(("p_a", "chosen", "rejected"), [(0.2, "best", "bad"), (0.9, "bad", "best")])
def test_the_likelier_answer_is_chosen(
    a_record: Make, origin: Provenance, p_a: float, chosen: str, rejected: str
) -> None:
    record = a_record("b", p_a=p_a)
    found = preference_rows(record, origin)
    assert found.ties == 0
    (row,) = found.rows
    assert row["chosen"] == [{"role": "assistant", "content": chosen}]
    assert row["rejected"] == [{"role": "assistant", "content": rejected}]
    assert row["p_chosen"] == max(p_a, 1 - p_a)
    assert row["principle_ids"] == ["harm", "rude"]
    assert row["flipped"] == (p_a > 0.7)
    assert (row["comparison_source"], row["method"], row["label_mass"]) == ("draft_vs_revision", "choice", 0.9)
    assert row["comparison_id"] == record.steps[StepKey("label", 0, 0)].body["label"]["comparison_id"]


def test_a_tie_prefers_nothing(a_record: Make, origin: Provenance) -> None:
    found = preference_rows(a_record("b", p_a=0.5), origin)
    assert (found.rows, found.ties) == ((), 1)


def test_equal_answers_are_never_written(a_record: Make, origin: Provenance) -> None:
    with pytest.raises(StorageError, match="two equal answers"):
        preference_rows(a_record("b", ("same", "other", "same")), origin)


def test_only_labels_that_stand_are_rows(a_record: Make, origin: Provenance) -> None:
    record = a_record("b")
    assert preference_rows(changed(record, "trajectory", comparisons=[]), origin).rows == ()
    second = replace(record.steps[StepKey("label", 0, 0)], round=1)
    record = replace(record, steps={**record.steps, StepKey("label", 1, 0): second})
    assert len(preference_rows(record, origin).rows) == 1
    assert len(preference_rows(changed(record, "trajectory", comparisons=[0, 1]), origin).rows) == 2
    with pytest.raises(StorageError, match="its label 2"):
        preference_rows(changed(record, "trajectory", comparisons=[2]), origin)


def test_half_a_character_of_a_server_becomes_a_replacement_mark(a_record: Make, origin: Provenance) -> None:
    rows = sft_rows(a_record("b", ("a", "x\ud83dy", "🙂")), config_of(), origin)
    assert texts(rows) == [(1, "x\ufffdy"), (2, "🙂")]


def test_rows_and_schemas_have_the_same_columns(a_record: Make, origin: Provenance) -> None:
    assert list(SftRow.__annotations__) == SFT_SCHEMA.names
    assert list(PreferenceRow.__annotations__) == PREFERENCE_SCHEMA.names
    for rows, schema in [
        (sft_rows(a_record("b"), config_of(), origin), SFT_SCHEMA),
        (list(preference_rows(a_record("b"), origin).rows), PREFERENCE_SCHEMA),
    ]:
        assert list(rows[0]) == schema.names
        assert pa.Table.from_pylist(rows, schema=schema).to_pylist() == rows


@given(p_a=st.floats(0, 1).filter(lambda p: p != 0.5))
def test_p_chosen_is_never_below_one_half(p_a: float) -> None:
    made: Make = _make()
    (row,) = preference_rows(made("b", p_a=p_a), Provenance("c", "1", "m")).rows
    assert 0.5 <= row["p_chosen"] <= 1
    assert (row["chosen"][0]["content"] == "bad") == (p_a > 0.5)


def _make() -> Make:
    return MAKERS[0]


MAKERS: list[Make] = []


@pytest.fixture(autouse=True)
def _keep_maker(a_record: Make) -> None:
    MAKERS[:] = [a_record]
