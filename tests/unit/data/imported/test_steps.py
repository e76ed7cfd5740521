"""Steps as the pipeline keeps them, with what the checks find."""

from pathlib import Path
from typing import Any, get_args

from cai.config.critique import Check
from cai.data.finished import answers_of, rounds_of
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.rows import row_of
from cai.data.imported.steps import RowSteps, steps_of
from cai.data.rows import RawRow
from cai.store.reader import JournalRecord, StepKey

CHECKS: tuple[Check, ...] = get_args(Check)


def made(values: dict[str, Any], checks: tuple[Check, ...] = CHECKS) -> tuple[JournalRecord, RowSteps]:
    row = row_of(RawRow(1, values), Path("others.jsonl"))
    found = steps_of(row, PrincipleIds(None), checks)
    return JournalRecord(
        row.prompt, "train", None, {StepKey(s.stage, s.round, s.attempt): s for s in found.steps}
    ), found


def test_the_readers_of_our_own_records_read_it(bread: dict[str, Any]) -> None:
    record, found = made(bread)
    first, second = bread["rounds"]
    assert answers_of(record) == [bread["draft"], first["revision"], second["revision"]]
    rounds = rounds_of(record)
    assert [round_.principle_ids for round_ in rounds] == [("rude",), ("be-open",)]
    assert [(r.critique, r.before, r.flaw) for r in rounds] == [
        (first["critique"], bread["draft"], None),
        (second["critique"], first["revision"], None),
    ]
    assert found.critique_flaws == found.revision_flaws == ()
    assert record.steps[StepKey("draft", 0, 0)].body["model"] == "big-52b"


def test_flaws_are_written_where_the_pipeline_writes_them(cake: dict[str, Any]) -> None:
    record, found = made(cake)
    assert rounds_of(record)[0].flaw == "role_confusion"
    assert found.revision_flaws == ("role_confusion",)
    record, found = made(cake, ("looping",))
    assert rounds_of(record)[0].flaw is None and found.revision_flaws == ()


def test_a_critique_can_be_flawed_too(bread: dict[str, Any]) -> None:
    bread["rounds"][0]["critique"] = "You can bake bread with flour and water, and I will show you how it is done."
    assert made(bread)[1].critique_flaws == ("role_confusion",)


def test_rounds_without_critique_or_revision(bread: dict[str, Any]) -> None:
    bread["rounds"][0]["critique"] = None
    bread["rounds"][1]["revision"] = None
    record, _ = made(bread)
    rounds = rounds_of(record)
    assert rounds[0].critique is None and rounds[1].revision is None
    assert rounds[1].answer == bread["rounds"][0]["revision"]
