"""Every kind of engine that a configuration can name can be built, and building imports nothing heavy."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from cai.config.roles import EngineConfig, OpenAIConfig, ScriptedConfig, VllmConfig
from cai.engines.build import ENGINES, build_engine, started_engine
from cai.engines.scripted import ScriptedEngine
from cai.errors import EngineError, UsageError


def test_the_kinds_of_the_union_are_the_kinds_that_can_be_built() -> None:
    union = get_args(get_args(EngineConfig)[0])
    assert {config.model_fields["kind"].default for config in union} == set(ENGINES)


def test_each_kind_builds_its_engine(tmp_path: Path) -> None:
    configs = [
        VllmConfig(model="some/model"),
        OpenAIConfig(model="m", base_urls=("http://127.0.0.1:1/v1",)),
        ScriptedConfig(),
    ]
    names = [type(build_engine(config, log_path=tmp_path / "log")).__name__ for config in configs]
    assert names == ["VllmEngine", "OpenAIEngine", "ScriptedEngine"]


def test_only_vllm_loads_adapters() -> None:
    assert build_engine(VllmConfig(model="x/y"), log_path=None, adapters=("folder",)).model == "x/y"
    with pytest.raises(UsageError, match="cannot load an adapter"):
        build_engine(ScriptedConfig(), log_path=None, adapters=("folder",))


def test_building_a_vllm_engine_does_not_import_it() -> None:
    code = (
        "import sys; from cai.config.roles import VllmConfig; from cai.engines.build import build_engine;"
        "build_engine(VllmConfig(model='x/y'), log_path=None);"
        "sys.exit(any(name in sys.modules for name in ('vllm', 'torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_started_engine_is_closed_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    async def start(engine: ScriptedEngine) -> None:
        happened.append("start")
        if len(happened) > 3:
            raise EngineError("no")

    async def close(engine: ScriptedEngine) -> None:
        happened.append("close")

    monkeypatch.setattr(ScriptedEngine, "start", start)
    monkeypatch.setattr(ScriptedEngine, "close", close)

    async def work() -> None:
        async with started_engine(ScriptedConfig(), log_path=None) as engine:
            happened.append(engine.model)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(work())
    assert happened == ["start", "scripted", "close"]
    with pytest.raises(EngineError):
        asyncio.run(work())
    assert happened[3:] == ["start", "close"]
