"""From an engine's configuration to the engine. Each kind is imported only when it is built."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cai.config.roles import EngineConfig, ImportedConfig, OpenAIConfig, ScriptedConfig, VllmConfig
from cai.engines.base import Engine
from cai.errors import UsageError


def _vllm(config: VllmConfig, log_path: Path | None, adapters: tuple[str, ...]) -> Engine:
    from cai.engines.vllm import VllmEngine

    return VllmEngine(config, log_path=log_path, adapters=adapters)


def _openai(config: OpenAIConfig, log_path: Path | None, adapters: tuple[str, ...]) -> Engine:
    from cai.engines.openai import OpenAIEngine

    _no_adapters(config, adapters)
    return OpenAIEngine(config)


def _scripted(config: ScriptedConfig, log_path: Path | None, adapters: tuple[str, ...]) -> Engine:
    from cai.engines.scripted import ScriptedEngine

    _no_adapters(config, adapters)
    return ScriptedEngine(config)


def _imported(config: ImportedConfig, log_path: Path | None, adapters: tuple[str, ...]) -> Engine:
    raise UsageError(
        f"there is no engine: the answers of {config.model} were imported",
        where="engines",
        fix="name a pipeline with an engine of its own",
    )


ENGINES: dict[str, Callable[[Any, Path | None, tuple[str, ...]], Engine]] = {
    "vllm": _vllm,
    "openai": _openai,
    "scripted": _scripted,
    "imported": _imported,
}


def build_engine(config: EngineConfig, *, log_path: Path | None, adapters: tuple[str, ...] = ()) -> Engine:
    """The engine that a configuration describes, not yet started.

    Args:
        config: The engine's settings.
        log_path: File for what the engine prints, if it prints.
        adapters: Folders of the LoRA adapters that roles use on this engine.

    Raises:
        UsageError: The configuration asks for what this kind of engine cannot do.
    """
    return ENGINES[config.kind](config, log_path, adapters)


@asynccontextmanager
async def started_engine(
    config: EngineConfig, *, log_path: Path | None, adapters: tuple[str, ...] = ()
) -> AsyncIterator[Engine]:
    """The engine, started; on leaving it is closed, whatever happened. Arguments and errors as of `build_engine`.

    Raises:
        EngineError: It cannot be started.
    """
    engine = build_engine(config, log_path=log_path, adapters=adapters)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def _no_adapters(config: OpenAIConfig | ScriptedConfig, adapters: tuple[str, ...]) -> None:
    if adapters:
        raise UsageError(
            f"an engine of kind {config.kind} cannot load an adapter",
            where=adapters[0],
            fix="use an engine of kind vllm, or serve the adapter under a model name of its own",
        )
