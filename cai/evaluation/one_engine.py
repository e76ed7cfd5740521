"""One engine at a time: the one that was used last stays until another model is asked."""

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cai.config.evaluation import ModelConfig
from cai.config.roles import EngineConfig
from cai.engines.base import Engine
from cai.engines.build import started_engine

Key = tuple[EngineConfig, str | None]


def key_of(model: ModelConfig) -> Key:
    """What an engine is started with; the form in which a model is asked is no part of it."""
    return model.engine, model.adapter


class OneEngine:
    """Starts engines; leaving it closes the one that runs.

    Args:
        logs: Folder for what engines print.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: tuple[Key, Engine] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def of(self, model: ModelConfig, name: str) -> Engine:
        """The started engine of a model; any other is closed first. `name` is for its log.

        Raises:
            EngineError: It cannot be started.
        """
        if self._running is None or self._running[0] != key_of(model):
            await self._stop()
            adapters = (model.adapter,) if model.adapter else ()
            log = self._logs / f"engine-{name}.log"
            starting = started_engine(model.engine, log_path=log, adapters=adapters)
            engine = await self._stack.enter_async_context(starting)
            self._running = (key_of(model), engine)
        return self._running[1]

    async def _stop(self) -> None:
        self._running = None
        await self._stack.aclose()
