"""Finished records, made by hand, and a journal that holds them."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cai.config.stages import GenerateConfig
from cai.data.splits import split_of
from cai.data.tables import Provenance
from cai.records import Comparison, Label, Message, Outcome, Prompt, Split, Step, Vote
from cai.store.journal import Journal
from cai.store.reader import JournalRecord, StepKey
from cai.store.run_dir import RunDir


@pytest.fixture
def origin() -> Provenance:
    return Provenance("kind|ness", "1.2", "cai-sandbox")


@pytest.fixture
def a_record() -> Callable[..., JournalRecord]:
    """Make a finished record: `answers` are the draft and the revisions, `p_a` prefers the draft."""

    def make(
        text: str, answers: Iterable[str] = ("bad", "better", "best"), p_a: float = 0.2, split: Split = "train"
    ) -> JournalRecord:
        number = int.from_bytes(text.encode()[-1:])
        prompt = Prompt.of((Message("user", text),), "p.txt:1", ("vcr", None)[number % 2], ("t",) * (number % 3))
        texts = list(answers)
        steps = [done(prompt, "draft", 0, {"text": texts[0], "finish_reason": "stop"})]
        for index, answer in enumerate(texts[1:], start=1):
            said = {"principle_ids": [f"principle-{(index + 1) // 2}"], "finish_reason": "stop"}
            steps.append(done(prompt, "critique", index, {**said, "text": "hm"}))
            steps.append(done(prompt, "revision", index, {**said, "text": answer}))
        comparison = Comparison(prompt, texts[0], texts[-1], "draft_vs_revision")
        votes = tuple(Vote(p, order, p_a, 0.9) for p in ("harm", "rude") for order in ("ab", "ba"))  # type: ignore[arg-type]
        label = Label(comparison.id, p_a, 0.9, p_a > 0.7, "choice", votes)
        body = {"response_a": texts[0], "response_b": texts[-1], "source": comparison.source, "label": label.to_dict()}
        steps.append(done(prompt, "label", 0, body))
        steps.append(done(prompt, "trajectory", 0, standing(len(texts) - 1, [0] if split != "sft" else [])))
        outcome = Outcome(prompt.id, "trajectory", None, "plan")
        return JournalRecord(prompt, split, outcome, {StepKey(s.stage, s.round, s.attempt): s for s in steps})

    return make


def standing(rounds: int, comparisons: list[int], unlabelled: str | None = None) -> dict[str, Any]:
    """The body of a trajectory step in which every round was revised once."""
    rows = [
        {"index": i, "principle_ids": [f"principle-{(i + 1) // 2}"], "critique": True, "revision": 0, "flaw": None}
        for i in range(1, rounds + 1)
    ]
    return {"rounds": rows, "comparisons": comparisons, "unlabelled": unlabelled}


def done(prompt: Prompt, stage: str, round_: int, body: dict[str, Any]) -> Step:
    return Step(prompt.id, stage, round_, 0, "asked", "done", body)


@pytest.fixture
def config() -> GenerateConfig:
    return GenerateConfig.model_validate({"rounds": 2, "split": {"eval": 0.3}})


@pytest.fixture
def journal_of(tmp_path: Path) -> Callable[..., RunDir]:
    """Write records into the journal of a new run directory; all were read in the latest session."""

    def make(records: Iterable[JournalRecord], name: str = "run") -> RunDir:
        run = RunDir.open(tmp_path / name)

        async def main(journal: Journal) -> None:
            session = await journal.begin_session("plan")
            for record in records:
                await journal.add_prompt(record.prompt, record.split, session)
                for step in record.steps.values():
                    await journal.add_step(step)
                if record.outcome:
                    await journal.finish(record.outcome)

        with Journal.open(run.journal_path) as journal:
            asyncio.run(main(journal))
        return run

    return make


@pytest.fixture
def forty(a_record: Callable[..., JournalRecord], config: GenerateConfig) -> list[JournalRecord]:
    """Forty finished records in their splits, one of them a tie."""
    found = []
    for i in range(40):
        text = f"Question {i}: grün?\n\nHuman: x"
        record = a_record(text, p_a=0.5 if i == 7 else 0.02 + i / 41, split="train")
        split = split_of(record.prompt.id, config.split, 0)
        found.append(JournalRecord(record.prompt, split, record.outcome, record.steps))
    return found
