"""The engines of a run: one for each key that a role names, started together and closed together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cai.config.pipeline import PipelineConfig
from cai.engines.base import Engine
from cai.engines.build import started_engine


@asynccontextmanager
async def started_engines(pipeline: PipelineConfig, logs: Path | None) -> AsyncIterator[Mapping[str, Engine]]:
    """Start each engine that some role uses; on leaving, close them all, whatever happened.

    Args:
        pipeline: Engines and roles.
        logs: Folder for what the engines print; None to let nothing be kept.

    Raises:
        EngineError: An engine cannot be started.
    """
    roles = pipeline.all_roles.values()
    async with AsyncExitStack() as stack:
        engines: dict[str, Engine] = {}
        for key in dict.fromkeys(role.engine for role in roles):
            adapters = tuple(sorted({role.adapter for role in roles if role.engine == key and role.adapter}))
            log = logs / f"engine-{key}.log" if logs else None
            starting = started_engine(pipeline.engines[key], log_path=log, adapters=adapters)
            engines[key] = await stack.enter_async_context(starting)
        yield engines
