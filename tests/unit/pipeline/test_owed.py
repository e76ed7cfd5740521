"""What a session owes is counted before it asks, and is exactly what it then asks."""

import asyncio
from typing import Any

import pytest

from cai.pipeline.owed import Owed
from cai.pipeline.run import generate
from cai.pipeline.stats import RunStats
from cai.store.run_dir import RunDir

SIXTEEN = tuple(f"principle-{number:02}" for number in range(16))


def told(workshop: Any, **settings: Any) -> list[Owed]:
    """What is announced; nothing had been asked by then."""
    heard: list[Owed] = []

    def hear(owed: Owed) -> None:
        assert workshop.calls() == []
        heard.append(owed)

    workshop.log.unlink(missing_ok=True)
    run = RunDir.open(workshop.run_dir.path)
    asyncio.run(generate(workshop.config(**settings), run, RunStats(), hear))
    return heard


def asked(workshop: Any) -> int:
    return len({call[0] for call in workshop.calls()})


def test_a_first_session_announces_nothing(workshop: Any) -> None:
    assert told(workshop) == []


def test_nothing_is_owed_when_nothing_changed(workshop: Any) -> None:
    workshop.go()
    assert told(workshop) == [Owed(done=12)]


def test_new_prompts_are_owed(workshop: Any) -> None:
    workshop.go(limit=5)
    assert told(workshop) == [Owed(new=7, done=5)]
    assert asked(workshop) == 7


def test_failed_records_are_owed_again(workshop: Any) -> None:
    workshop.write_prompts(["One", "Two [[fail]]", "Three", "One"])
    workshop.go()
    assert told(workshop) == [Owed(unfinished=1, done=2)]
    assert asked(workshop) == 1


@pytest.mark.parametrize("field", ["critique_request", "revision_request", "comparison_question", "statement"])
def test_an_edit_to_one_of_sixteen_principles_redoes_only_its_records(workshop: Any, field: str) -> None:
    workshop.write_prompts(f"Question {number}" for number in range(200))
    workshop.write_principles(*SIXTEEN)
    workshop.go(rounds=2)
    affected = set()
    for record in workshop.records().values():
        steps = record.steps
        if field == "comparison_question":
            votes = steps["label", 0, 0].body["label"]["votes"] if ("label", 0, 0) in steps else []
            ids = {vote["principle_id"] for vote in votes}
        else:
            ids = {
                name for key, step in steps.items() if key.stage == "critique" for name in step.body["principle_ids"]
            }
        if "principle-07" in ids:
            affected.add(record.prompt.id)
    assert 3 <= len(affected) <= 40
    workshop.write_principles(*SIXTEEN, **{"principle-07": {field: "Something else?"}})
    assert told(workshop) == [Owed(changed=len(affected), done=200 - len(affected))]
    assert {call[0] for call in workshop.calls()} == affected
    # Of those records only what follows the edit is asked: no draft, and no round before.
    assert workshop.called()["draft"] == 0


def test_a_changed_setting_that_asks_nothing_owes_nothing(workshop: Any) -> None:
    workshop.go(rounds=3)
    # Fewer rounds: every answer is there already; what is new are labels of other pairs.
    (owed,) = told(workshop, rounds=2)
    assert owed.changed == asked(workshop)
    assert owed.done == 12 - owed.changed
