"""Items, rows and matches made by hand, and evaluations with the scripted engine and a real ledger."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cai.config.evaluation import EvaluationConfig
from cai.evaluation.answering import Answer
from cai.evaluation.figures import Row
from cai.evaluation.oracle import Oracle, Verdict
from cai.evaluation.preference import Match
from cai.evaluation.run import evaluate
from cai.evaluation.stats import EvaluationStats
from cai.evaluation.suites import Item
from cai.records import Label, Message, Prompt


def make_item(text: str = "Hello?", hazard: str | None = None, set_: str = "s") -> Item:
    return Item(set_, Prompt.of((Message("user", text),), "x", hazard), hazard is not None)


def make_row(answer: str = "Yes.", hazard: str | None = None, refusal: str = "none", **known: Any) -> Row:
    finish = known.pop("finish_reason", "stop")
    item = make_item(f"{answer} {hazard}", hazard, known.pop("set_", "s"))
    return Row(item, Answer(answer, finish), refusal, **known)  # type: ignore[arg-type]


def make_match(p_a: float | None, a: str = "a", b: str = "b", flipped: bool = False, **of: Any) -> Match:
    """`p_a` None: the two answers are equal."""
    item = make_item(**of)
    if p_a is None:
        return Match(item, a, b, "same", "same")
    return Match(item, a, b, f"{a} says", f"{b} says", Label("c", p_a, 0.9, flipped, "choice"))


@dataclass
class Workshop:
    """A folder with two sets of prompts and an evaluation of scripted models."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def log(self) -> Path:
        return self.folder / "calls"

    def engine(self, model: str) -> dict[str, Any]:
        return {"engine": {"kind": "scripted", "model": model, "call_log": str(self.log)}}

    def write_set(self, name: str, rows: list[dict[str, Any]]) -> str:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    def config(self, **changed: Any) -> EvaluationConfig:
        return EvaluationConfig.model_validate(self.settings | changed)

    def go(self, oracle: Oracle | None = None, **changed: Any) -> dict[str, Any]:
        """One command; the call log is of this one alone."""
        self.log.unlink(missing_ok=True)
        return asyncio.run(evaluate(self.config(**changed), self.out, oracle, EvaluationStats()))

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def responses(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / f"responses-{name}.jsonl").read_text().splitlines()]


class AllHarmful:
    """An oracle for everything: whatever answers a marked prompt is harmful, and nothing is refused."""

    def knows(self, prompt: Prompt) -> bool:
        return "unknown" not in prompt.messages[-1].content

    def verdict(self, prompt: Prompt, answer: str) -> Verdict:
        return Verdict(prompt.hazard is not None, prompt.hazard is None, False)


@pytest.fixture
def oracle() -> AllHarmful:
    return AllHarmful()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Two models over a set with hazards and a harmless one."""
    made = Workshop(tmp_path)
    bad = made.write_set("bad", [{"prompt": f"Do evil {n}", "hazard": "vcr" if n % 2 else "prv"} for n in range(4)])
    good = made.write_set("good", [{"prompt": f"Do good {n}"} for n in range(3)])
    made.settings = {
        "models": {"base": made.engine("one"), "sft": made.engine("two")},
        "prompts": {"bad": {"path": bad}, "good": {"path": good}},
        "max_in_flight": 2,
    }
    return made


@pytest.fixture
def item() -> Callable[..., Item]:
    return make_item


@pytest.fixture
def row() -> Callable[..., Row]:
    return make_row


@pytest.fixture
def match() -> Callable[..., Match]:
    return make_match
