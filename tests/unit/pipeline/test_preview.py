"""The exact prompts of a few records: each extends the one before it, and nothing is written."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from cai.pipeline.preview import Exchange, preview


def shown(workshop: Any, count: int = 2, **settings: Any) -> list[list[Exchange]]:
    exchanges = asyncio.run(preview(workshop.config(**settings), count))
    ids = list(dict.fromkeys(exchange.record_id for exchange in exchanges))
    return [[exchange for exchange in exchanges if exchange.record_id == one] for one in ids]


@pytest.mark.parametrize("form", ["chat", "transcript"])
def test_each_prompt_begins_with_the_one_before(workshop: Any, form: str) -> None:
    records = shown(workshop, form=form, rounds=3)
    assert len(records) == 2
    for record in records:
        assert [e.stage for e in record] == ["draft", *["critique", "revision"] * 3, "label", "label"]
        steps = record[:-2]
        for before, after in itertools.pairwise(steps):
            assert after.prompt.startswith(f"{before.prompt.rstrip(' ')} {before.answer}\n")
        assert "log-probabilities  A: -" in record[-1].answer
        assert record[-2].prompt != record[-1].prompt


@pytest.mark.parametrize("form", ["chat", "transcript"])
def test_the_latest_history_shows_the_last_answer_alone(workshop: Any, form: str) -> None:
    for draft, first, revised, second, again, *_ in shown(workshop, form=form, history="latest"):
        assert (first.stage, revised.stage, second.stage, again.stage) == ("critique", "revision") * 2
        assert second.prompt.startswith(f"{draft.prompt.rstrip(' ')} {revised.answer}\n")
        assert first.answer not in second.prompt
        assert draft.answer not in second.prompt
        assert again.prompt.startswith(f"{second.prompt.rstrip(' ')} {second.answer}\n")


def test_nothing_is_written_and_failures_are_shown(workshop: Any) -> None:
    workshop.write_prompts(["One [[fail]]", "Two", "Three"])
    first, second = shown(workshop)
    assert [exchange.stage for exchange in first] == ["failed"]
    assert "told to fail" in first[0].answer
    assert second[0].stage == "draft"
    assert second[0].prompt == "user: Two\nassistant: "
    assert sorted(path.name for path in Path(workshop.folder).iterdir()) == [
        "calls",
        "constitution.yaml",
        "prompts.jsonl",
    ]


def test_a_preview_shows_what_a_run_does(workshop: Any) -> None:
    workshop.go()
    records = workshop.records()
    for exchanges, number in zip(shown(workshop), range(2), strict=True):
        steps = records[f"Question {number}"].steps
        for exchange in exchanges:
            if exchange.stage != "label":
                assert steps[exchange.stage, exchange.round, 0].body["text"] == exchange.answer
