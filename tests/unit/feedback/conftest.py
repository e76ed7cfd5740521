"""A finished run with AI labels, its datasets written, and people who judge it."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cai.config.pipeline import PipelineConfig, RunConfig
from cai.data.export import export_datasets
from cai.data.splits import split_of
from cai.data.tables import Provenance
from cai.feedback.columns import Columns
from cai.feedback.compared import Compared
from cai.feedback.import_summary import ImportSummary
from cai.feedback.imports import import_feedback
from cai.feedback.store import FeedbackStore
from cai.feedback.views import RunView
from cai.records import Comparison, Label, Message, Outcome, Prompt, Step, Vote
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

RECORDS = 40
HAZARDS = ("vcr", "prv", None)
CONFIG = {
    "name": "small",
    "description": "A small run.",
    "engines": {"default": {"kind": "scripted", "model": "some/model"}},
    "generate": {"rounds": 1, "split": {"eval": 0.25}},
}


def prompt_of(number: int) -> Prompt:
    hazard = HAZARDS[number % 3]
    if number % 5 == 4:
        turns = (Message("user", f"Hi {number}"), Message("assistant", "Hello."), Message("user", f"Why {number}?"))
        return Prompt.of(turns, f"p:{number}", hazard, ("t",))
    return Prompt.of((Message("user", f"Question {number}:\n grün  or not?"),), f"p:{number}", hazard, ("t",))


def steps_of(number: int) -> list[Step]:
    """One round: the revision is answer B, and the higher the number, the surer is the AI that A is the better one."""
    prompt = prompt_of(number)
    draft, revision = f"=draft {number}\n\nand more", f"Revision {number}, with “quotes”"
    p_a = 0.5 if number == 20 else round(0.02 + number * 0.024, 4)
    comparison = Comparison(prompt, draft, revision, "draft_vs_revision")
    votes = tuple(Vote("harm", order, p_a, 0.9) for order in ("ab", "ba"))  # type: ignore[arg-type]
    spread = 0.3 if number % 7 == 0 else 0.0
    label = Label(comparison.id, p_a, 0.5 + number / 100, number % 4 == 0, "choice", votes, spread)
    verdict = {"violates": number % 6 == 0, "severity": 4 if number % 6 == 0 else 0, "evidence": "", "quoted": True}
    rounds = [
        {"index": 1, "principle_ids": ["harm"], "critique": True, "revision": 0, "flaw": None, "verdict": verdict}
    ]
    bodies: list[tuple[str, int, dict[str, Any]]] = [
        ("draft", 0, {"text": draft, "finish_reason": "stop"}),
        ("critique", 1, {"text": "hm", "principle_ids": ["harm"], "finish_reason": "stop"}),
        ("revision", 1, {"text": revision, "principle_ids": ["harm"], "finish_reason": "stop"}),
        (
            "label",
            0,
            {"response_a": draft, "response_b": revision, "source": "draft_vs_revision", "label": label.to_dict()},
        ),
        ("trajectory", 0, {"rounds": rounds, "comparisons": [0], "unlabelled": None}),
    ]
    return [Step(prompt.id, stage, round_, 0, "asked", "done", body) for stage, round_, body in bodies]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    place = RunDir.open(tmp_path / "run", "never")
    config = RunConfig(pipeline=PipelineConfig.model_validate(CONFIG), constitution="c.yaml", prompts="p.jsonl")
    settings = config.pipeline.generate

    async def fill(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        for number in range(RECORDS):
            prompt = prompt_of(number)
            await journal.add_prompt(prompt, split_of(prompt.id, settings.split, settings.seed), session)
            for step in steps_of(number):
                await journal.add_step(step)
            await journal.finish(Outcome(prompt.id, "trajectory", None, "plan"))
        await journal.end_session()

    with Journal.open(place.journal_path) as journal:
        asyncio.run(fill(journal))
        export_datasets(journal, place, settings, Provenance("kindness", "1.0", "some/model"))
    place.write_config(config.model_dump(mode="json"))
    return place


@pytest.fixture
def view(run: RunDir) -> Iterator[RunView]:
    view = RunView.open(run.path)
    yield view
    view.close()


@pytest.fixture
def store(run: RunDir) -> Iterator[FeedbackStore]:
    with FeedbackStore.open(run) as store:
        yield store


@pytest.fixture
def compared(view: RunView) -> list[Compared]:
    """The run's comparisons by number."""
    number = {prompt_of(n).id: n for n in range(RECORDS)}
    return sorted(view.comparisons(), key=lambda one: number[one.prompt.id])


@pytest.fixture
def take(view: RunView, store: FeedbackStore, tmp_path: Path) -> Callable[..., ImportSummary]:
    """Import rows that are written as JSON lines, or a file."""

    def take(
        rows: Iterable[dict[str, Any]] | Path,
        name: str = "auto",
        *columns: str,
        file: str = "people.jsonl",
        **options: Any,
    ) -> ImportSummary:
        path = rows if isinstance(rows, Path) else tmp_path / file
        if not isinstance(rows, Path):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return import_feedback(view, store, path, name, Columns.of(columns), **options)

    return take
