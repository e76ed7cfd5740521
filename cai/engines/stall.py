"""Notices that an engine has stopped answering. Knows nothing of the engine but that it owes answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StallWatch:
    """Work is pending and no answer came for `timeout_s` seconds: the engine is taken for dead.

    Any answer to any request counts as a sign of life.

    Args:
        timeout_s: Longest silence, in seconds.
        on_stall: Called when the silence was too long; gives the error that the pending requests end with.
    """

    def __init__(self, timeout_s: float, on_stall: Callable[[], Exception]) -> None:
        self._timeout_s = timeout_s
        self._on_stall = on_stall
        self._pending = 0
        self._heard = 0.0

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`.

        Raises:
            Exception: What `on_stall` gave, if the engine fell silent; whatever `work` raises.
        """
        clock = asyncio.get_running_loop().time
        if self._pending == 0:
            self._heard = clock()
        self._pending += 1
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                left = self._heard + self._timeout_s - clock()
                if left <= 0:
                    raise self._on_stall()
                await asyncio.wait({task}, timeout=left)
            self._heard = clock()
            return task.result()
        finally:
            self._pending -= 1
            task.cancel()
