"""The figures of a run come from its journal, and leave out what an earlier plan left there."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cai.pipeline.stats import RunStats
from cai.pipeline.summary import EngineStats, label_stats
from cai.records import Label, Message, Outcome, Prompt, Step, Usage, Vote
from cai.store.journal import Journal
from cai.store.reader import JournalRecord, StepKey
from cai.store.run_dir import RunDir


def steps_of(
    prompt: Prompt, answers: list[str], *, pair: tuple[str, str] | None, source: str, mass: float
) -> list[Step]:
    made = [("draft", 0, {"text": answers[0]}), ("sample", 0, {"texts": ["one", "two"]})]
    made += [("revision", index, {"text": text}) for index, text in enumerate(answers[1:], start=1)]
    if pair:
        label = Label("c", 0.3, mass, mass < 0.5, "choice", (Vote("kind", "ab", 0.3, mass),))
        body = {"response_a": pair[0], "response_b": pair[1], "source": source, "label": label.to_dict()}
        made.append(("label", 0, body))
    rounds = [{"index": 1, "principle_ids": ["kind"], "critique": False, "revision": 0}]
    standing = {"rounds": rounds, "comparisons": [0] if pair else [], "unlabelled": None if pair else "equal answers"}
    made.append(("trajectory", 0, standing))
    return [Step(prompt.id, stage, round_, 0, "asked", "done", body) for stage, round_, body in made]


@pytest.fixture
def a_record() -> Callable[..., JournalRecord]:
    def make(
        text: str = "Hi",
        answers: tuple[str, ...] = ("bad", "good"),
        pair: tuple[str, str] | None = ("good", "bad"),
        source: str = "draft_vs_revision",
        **fields: Any,
    ) -> JournalRecord:
        prompt = Prompt.of((Message("user", text),), "x", fields.pop("hazard", None))
        steps = steps_of(prompt, list(answers), pair=pair, source=source, mass=fields.pop("mass", 0.8))
        outcome = Outcome(
            prompt.id, fields.pop("status", "trajectory"), fields.pop("reason", None), fields.pop("plan", "now")
        )
        keyed = {StepKey(s.stage, s.round, s.attempt): s for s in steps}
        return JournalRecord(prompt, fields.pop("split", "train"), outcome, keyed)

    return make


@pytest.fixture
def journal(a_record: Callable[..., JournalRecord], tmp_path: Any) -> Any:
    """Seven prompts: four finished (one under an earlier plan), two failed, one filtered."""
    records = [
        a_record("1", mass=0.9, hazard="vcr"),
        a_record("2", mass=0.4),
        a_record("3", plan="before"),
        a_record("4", pair=None, hazard="vcr"),
        a_record("5", status="failed", reason="empty draft"),
        a_record("6", status="failed", reason="empty draft"),
        a_record("7", status="filtered", reason="too long"),
    ]

    async def fill(writer: Journal) -> None:
        session = await writer.begin_session("now")
        for record in records:
            await writer.add_prompt(record.prompt, record.split, session)
            for step in record.steps.values():
                await writer.add_step(step)
            assert record.outcome is not None
            await writer.finish(record.outcome)
        await writer.add_duplicate("x:9", records[0].prompt.id)

    run = RunDir.open(tmp_path / "run")
    with Journal.open(run.journal_path) as writer:
        asyncio.run(fill(writer))
    with Journal.read_only(run.journal_path) as reader:
        yield reader


def test_label_figures(journal: Any) -> None:
    stats, by_hazard = label_stats(journal, 1)
    assert (stats.labels, stats.unchanged, stats.flip_rate) == (2, 1, 0.5)
    assert stats.mean_label_mass == pytest.approx(0.65)
    assert by_hazard == {"vcr": {"trajectories": 2, "labels": 1}, "none": {"trajectories": 1, "labels": 1}}
    none, _ = label_stats(journal, 2)
    assert (none.labels, none.flip_rate, none.mean_label_mass) == (0, None, None)


def test_engine_figures_are_of_the_session() -> None:
    stats = RunStats(usage=Usage(3, 2, 1), working_s=1.23456)
    assert EngineStats.of(stats) == EngineStats(3, 2, 1, 1.235)
