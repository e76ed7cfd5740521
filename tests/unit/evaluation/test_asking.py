"""Questions to one model: known ones are not asked, equal ones once, failing ones fail alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.config.evaluation import EvaluationConfig, ModelConfig
from cai.config.roles import SamplingConfig
from cai.engines.base import Engine, GenerationRequest, TextPrompt
from cai.errors import EngineError, TemplateError
from cai.evaluation import one_engine
from cai.evaluation.asking import Question, Replies, Workplace, ask
from cai.evaluation.one_engine import OneEngine
from cai.evaluation.stats import EvaluationStats
from cai.records import Usage
from cai.store.journal import Journal
from cai.store.ledger import Ledger


def question(text: str, asked: str | None = None) -> Callable[[], Question]:
    async def put(engine: Engine) -> tuple[dict[str, Any], Usage]:
        request = GenerationRequest(text, TextPrompt(text), SamplingConfig(), seed=1)
        generation = await engine.generate(request)
        return {"text": generation.completions[0].text}, generation.usage

    return lambda: Question("p", "answer", asked or text, put)


def refused() -> Question:
    raise TemplateError("renders to too much")


class Desk:
    """One ledger, and a scripted model that notes its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        self.stats = EvaluationStats()

    def ask(self, *questions: Callable[[], Question]) -> Replies:
        self.log.unlink(missing_ok=True)
        model = ModelConfig.model_validate({"engine": {"kind": "scripted", "call_log": str(self.log)}})
        config = EvaluationConfig.model_validate({"models": {"m": model}, "prompts": {"s": "p"}, "max_in_flight": 2})
        with Journal.open(self.folder / "evaluation.db") as journal:
            return asyncio.run(self._ask(Ledger(journal), config, questions))

    async def _ask(self, ledger: Ledger, config: EvaluationConfig, questions: Any) -> Replies:
        async with OneEngine(self.folder / "logs") as engines:
            place = Workplace(config, ledger, self.stats, engines)
            return await ask(place, "m", "answering", config.models["m"], questions)

    @property
    def called(self) -> list[str]:
        return sorted(line.split()[1] for line in self.log.read_text().splitlines()) if self.log.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_nothing_is_asked_twice(desk: Desk) -> None:
    first = desk.ask(question("one"), question("two"))
    assert desk.called == ["one", "two"]
    again = desk.ask(question("two"), question("three"), question("one"))
    assert desk.called == ["three"]
    assert [again.bodies[2], again.bodies[0]] == first.bodies


def test_an_engine_with_nothing_to_do_is_not_started(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ask(question("one"))

    def started(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(one_engine, "started_engine", started)
    assert desk.ask(question("one")).bodies[0] is not None
    assert desk.ask().bodies == []


def test_equal_questions_are_one(desk: Desk) -> None:
    replies = desk.ask(question("one"), question("other", asked="one"), question("two"))
    assert len(desk.called) == 2
    assert replies.bodies[0] == replies.bodies[1] != replies.bodies[2]


def test_what_fails_fails_alone_and_is_asked_again(desk: Desk) -> None:
    replies = desk.ask(question("one"), refused, question("[[fail]]"))
    assert [body is None for body in replies.bodies] == [False, True, True]
    assert replies.failures == {"renders to too much": 1, "the scripted engine was told to fail": 1}
    assert (desk.stats.done, desk.stats.failed, desk.stats.total) == (2, 1, 2)
    desk.ask(question("one"), question("[[fail]]"))
    assert desk.called == ["[[fail]]"]


def test_when_the_engine_dies_what_was_answered_is_kept(desk: Desk) -> None:
    async def dead(engine: Engine) -> tuple[dict[str, Any], Usage]:
        raise EngineError("gone")

    with pytest.raises(EngineError, match="gone"):
        # Two at once: the third is asked only after one of the first two is done.
        desk.ask(question("one"), question("two"), lambda: Question("p", "answer", "three", dead))
    desk.ask(question("one"), question("two"))
    assert len(desk.called) < 2
