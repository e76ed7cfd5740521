"""Depth-first scheduling: many conversations at once, each one coroutine, none waiting for a stage to end.

Prompts are taken from their source one by one as places become free, so memory does not grow with their number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from cai.records import Prompt


async def run_bounded(prompts: Iterable[Prompt], work: Callable[[Prompt], Awaitable[None]], max_in_flight: int) -> None:
    """Run `work` on every prompt, at most `max_in_flight` at once.

    The first exception of `work` cancels what is under way and is raised; errors of single records must be dealt with
    inside `work`.
    """
    places = asyncio.Semaphore(max_in_flight)

    async def occupied(prompt: Prompt) -> None:
        try:
            await work(prompt)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            coming = iter(prompts)
            # A place first: nothing is read that nobody can work on yet.
            while await places.acquire() and (prompt := next(coming, None)) is not None:
                group.create_task(occupied(prompt))
    except BaseExceptionGroup as failures:
        raise _first(failures) from failures


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that came first; those of tasks that were cancelled for it say nothing more."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
