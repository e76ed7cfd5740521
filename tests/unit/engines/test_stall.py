"""Silence with work pending is noticed; any answer counts as a sign of life. Time is skipped, not waited for."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from cai.engines.stall import StallWatch
from cai.errors import EngineError


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0.0
        select = self._selector.select

        def skip(timeout: float | None = None) -> Any:
            self._skipped += timeout or 0.0
            return select(0)

        self._selector.select = skip

    def time(self) -> float:
        return super().time() + self._skipped


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(work)


def watch(timeout_s: float) -> StallWatch:
    return StallWatch(timeout_s, lambda: EngineError("silent"))


def test_silence_ends_all_that_is_pending() -> None:
    async def work() -> None:
        stall = watch(50)
        never = asyncio.Event()
        results = await asyncio.gather(*(stall.guard(never.wait()) for _ in range(3)), return_exceptions=True)
        assert [str(result) for result in results] == ["silent"] * 3
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work())


def test_answers_to_others_keep_a_slow_request_alive() -> None:
    async def work() -> None:
        stall = watch(300)
        done = asyncio.Event()
        slow = asyncio.create_task(stall.guard(done.wait()))
        for _ in range(8):
            await stall.guard(asyncio.sleep(60))
        assert not slow.done()
        done.set()
        assert await slow is True

    run(work())


def test_an_idle_engine_is_not_a_silent_one() -> None:
    async def work() -> None:
        stall = watch(50)
        await stall.guard(asyncio.sleep(0))
        await asyncio.sleep(100)
        await stall.guard(asyncio.sleep(10))

    run(work())


def test_errors_and_cancellation_pass_through() -> None:
    async def fail() -> None:
        raise ValueError("own")

    async def work() -> None:
        stall = watch(5)
        with pytest.raises(ValueError, match="own"):
            await stall.guard(fail())
        task = asyncio.create_task(stall.guard(asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work())
