"""Never two engines at once, and none is started again that is up."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cai.config.evaluation import ModelConfig
from cai.engines.scripted import ScriptedEngine
from cai.errors import EngineError
from cai.evaluation.one_engine import OneEngine


def model(name: str, **changed: Any) -> ModelConfig:
    return ModelConfig.model_validate({"engine": {"kind": "scripted", "model": name}, **changed})


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Starts and ends of engines, in order."""
    events: list[str] = []

    async def start(engine: ScriptedEngine) -> None:
        events.append(f"start {engine.model}")
        if engine.model == "broken":
            raise EngineError("no")

    async def close(engine: ScriptedEngine) -> None:
        events.append(f"close {engine.model}")

    monkeypatch.setattr(ScriptedEngine, "start", start)
    monkeypatch.setattr(ScriptedEngine, "close", close)
    return events


async def used(*models: ModelConfig) -> None:
    async with OneEngine(Path("logs")) as engines:
        for chosen in models:
            engine = await engines.of(chosen, "x")
            assert engine.model == chosen.engine.model


def test_one_after_the_other(happened: list[str]) -> None:
    asyncio.run(used(model("a"), model("b"), model("a")))
    assert happened == ["start a", "close a", "start b", "close b", "start a", "close a"]


def test_what_is_up_is_not_started_again(happened: list[str]) -> None:
    asyncio.run(used(model("a"), model("a", form="transcript")))
    assert happened == ["start a", "close a"]


def test_one_that_fails_to_start_is_closed_and_not_taken_for_up(happened: list[str]) -> None:
    with pytest.raises(EngineError):
        asyncio.run(used(model("a"), model("broken")))
    assert happened == ["start a", "close a", "start broken", "close broken"]


def test_none_is_started_for_nothing(happened: list[str]) -> None:
    asyncio.run(used())
    assert happened == []
