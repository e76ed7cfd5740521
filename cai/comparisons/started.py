"""The engines of labelers, each started when it is first asked, so that a file that is labelled already starts none."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cai.config.roles import EngineConfig, RoleConfig
from cai.engines.base import Engine
from cai.engines.build import started_engine


class LabelerEngines:
    """Leaving it closes every engine, whatever happened.

    Args:
        engines: By key.
        roles: Who asks them.
        logs: Folder for what the engines print.
    """

    def __init__(self, engines: Mapping[str, EngineConfig], roles: Mapping[str, RoleConfig], logs: Path) -> None:
        self._configs = engines
        self._roles = roles
        self._logs = logs
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._started: dict[str, Engine] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def all(self) -> Mapping[str, Engine]:
        """The started engines.

        Raises:
            EngineError: One cannot be started.
        """
        async with self._starting:
            if self._started is None:
                started: dict[str, Engine] = {}
                for key, config in self._configs.items():
                    adapters = {role.adapter for role in self._roles.values() if role.engine == key and role.adapter}
                    starting = started_engine(
                        config, log_path=self._logs / f"engine-{key}.log", adapters=tuple(sorted(adapters))
                    )
                    started[key] = await self._stack.enter_async_context(starting)
                self._started = started
        return self._started
