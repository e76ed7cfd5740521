"""A small world of prompts and principles, and whole runs in it with the scripted engine and a real journal."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cai.config.pipeline import PipelineConfig, RunConfig
from cai.pipeline.run import generate
from cai.pipeline.stats import RunStats
from cai.pipeline.summary import RunSummary
from cai.store.journal import Journal
from cai.store.reader import JournalRecord
from cai.store.run_dir import RunDir

NAMES = ("kind", "fair", "safe", "true")


@dataclass
class Workshop:
    """A folder with a constitution, prompts and a run directory; what is not said otherwise stays between runs."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)
    allow_code: bool = False

    @property
    def log(self) -> Path:
        return self.folder / "calls"

    @property
    def run_dir(self) -> RunDir:
        return RunDir(self.folder / "run")

    names = NAMES

    def write_principles(self, *names: str, **changed: dict[str, Any]) -> None:
        """Principles of these names; `changed` gives other fields to some of them."""
        principles = [_principle(name) | changed.get(name, {}) for name in names]
        constitution = {"name": "test", "version": "1.0.0", "principles": list(principles)}
        (self.folder / "constitution.yaml").write_text(yaml.safe_dump(constitution))

    def write_prompts(self, texts: Iterable[str]) -> None:
        rows = [json.dumps({"prompt": text}) for text in texts]
        (self.folder / "prompts.jsonl").write_text("\n".join(rows) + "\n")

    def config(self, limit: int | None = None, **settings: Any) -> RunConfig:
        self.settings |= settings
        engine = {"kind": "scripted", "call_log": str(self.log), **self.engine}
        # What the scripted engine says is about answers now and then, which is a flaw of a revision.
        generating = {"rounds": 2, "max_in_flight": 4, "revision": {"checks": []}, **self.settings}
        pipeline = {"name": "test", "engines": {"default": engine}, "roles": self.roles, "generate": generating}
        return RunConfig(
            pipeline=PipelineConfig.model_validate(pipeline),
            constitution=str(self.folder / "constitution.yaml"),
            prompts=str(self.folder / "prompts.jsonl"),
            limit=limit,
            allow_code=self.allow_code,
        )

    def go(self, stats: RunStats | None = None, **settings: Any) -> RunSummary:
        """One session; the call log is of this session alone."""
        self.log.unlink(missing_ok=True)
        run = RunDir.open(self.run_dir.path)
        return asyncio.run(generate(self.config(**settings), run, stats or RunStats()))

    def calls(self) -> list[tuple[str, ...]]:
        """(record id, stage, round, ...) of each call of the last session, in their order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [tuple(line.split(" ", 1)[1].split("/")) for line in lines]

    def called(self) -> Counter[str]:
        return Counter(call[1] for call in self.calls())

    def records(self) -> dict[str, JournalRecord]:
        """By the text of the prompt; those of the last session."""
        with Journal.read_only(self.run_dir.journal_path) as journal:
            session = journal.latest_session()
            assert session is not None
            return {record.prompt.messages[-1].content: record for record in journal.records(session.number)}

    def drawn(self) -> dict[str, list[str]]:
        """The principles of each record's critiques, then those of its label."""
        found = {}
        for text, record in self.records().items():
            steps = sorted(record.steps.items())
            found[text] = [
                name for key, step in steps if key.stage == "critique" for name in step.body["principle_ids"]
            ]
            votes = [step.body["label"]["votes"] for key, step in steps if key.stage == "label"]
            found[text] += [f"label:{vote['principle_id']}" for vote in (votes[0] if votes else [])]
        return found

    def datasets(self) -> dict[str, bytes]:
        root = self.run_dir.datasets
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _principle(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "statement": f"Be {name}.",
        "critique_request": f"Is your last answer {name}?",
        "revision_request": f"Make it {name}.",
        "comparison_question": f"Which is more {name}?",
    }


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Twelve prompts and four principles."""
    made = Workshop(tmp_path)
    made.write_principles(*NAMES)
    made.write_prompts(f"Question {number}" for number in range(12))
    return made


@pytest.fixture
def another_workshop(tmp_path: Path) -> Callable[[str], Workshop]:
    """More of them, to compare with."""

    def make(name: str) -> Workshop:
        folder = tmp_path / name
        folder.mkdir()
        made = Workshop(folder)
        made.write_principles(*NAMES)
        made.write_prompts(f"Question {number}" for number in range(12))
        return made

    return make
