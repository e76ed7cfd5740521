"""Depth-first scheduling: many coroutines at once, each from the beginning of its work to the end.

Items are taken from their source one by one as places become free, so memory does not grow with their number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def run_bounded(items: Iterable[T], work: Callable[[T], Awaitable[None]], max_in_flight: int) -> None:
    """Run `work` on every item, at most `max_in_flight` at once.

    The first exception of `work` cancels what is under way and is raised; errors of single items must be dealt with
    inside `work`.
    """
    places = asyncio.Semaphore(max_in_flight)

    async def occupied(item: T) -> None:
        try:
            await work(item)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            coming = iter(items)
            # A place first: nothing is read that nobody can work on yet.
            while await places.acquire():
                try:
                    item = next(coming)
                except StopIteration:
                    break
                group.create_task(occupied(item))
    except BaseExceptionGroup as failures:
        raise _first(failures) from failures


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that came first; those of tasks that were cancelled for it say nothing more."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
