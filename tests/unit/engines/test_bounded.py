"""Depth first: a bounded number at once, and prompts taken only when there is a place."""

import asyncio
from collections.abc import Iterator

import pytest

from cai.engines.bounded import run_bounded
from cai.errors import EngineError, PromptSourceError
from cai.records import Message, Prompt


def prompts(count: int, taken: list[int] | None = None) -> Iterator[Prompt]:
    for number in range(count):
        if taken is not None:
            taken.append(number)
        yield Prompt(str(number), (Message("user", str(number)),), "x")


@pytest.mark.parametrize("most", [1, 7])
def test_never_more_at_once_and_never_read_ahead(most: int) -> None:
    taken: list[int] = []
    running: set[str] = set()
    ended = 0
    widest = 0

    async def work(prompt: Prompt) -> None:
        nonlocal ended, widest
        running.add(prompt.id)
        widest = max(widest, len(running))
        # A place is taken before a prompt is, so that none is read that nobody works on.
        assert len(taken) - ended <= most
        for _ in range(int(prompt.id) % 11):
            await asyncio.sleep(0)
        running.remove(prompt.id)
        ended += 1

    asyncio.run(run_bounded(prompts(10_000, taken), work, most))
    assert ended == len(taken) == 10_000
    assert widest == most


def test_no_prompts_are_no_work() -> None:
    async def work(prompt: Prompt) -> None:
        raise AssertionError

    asyncio.run(run_bounded([], work, 3))


def test_the_first_error_stops_the_others() -> None:
    cancelled: list[str] = []
    taken: list[int] = []

    async def work(prompt: Prompt) -> None:
        if prompt.id == "2":
            raise EngineError("gone")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(prompt.id)
            raise

    with pytest.raises(EngineError, match="gone"):
        asyncio.run(run_bounded(prompts(100, taken), work, 4))
    assert sorted(cancelled) == ["0", "1", "3"]
    assert len(taken) < 7


def test_an_error_of_the_source_is_raised_as_it_is() -> None:
    def broken() -> Iterator[Prompt]:
        yield from prompts(2)
        raise PromptSourceError("no more")

    async def work(prompt: Prompt) -> None:
        await asyncio.Event().wait()

    with pytest.raises(PromptSourceError, match="no more"):
        asyncio.run(run_bounded(broken(), work, 5))


def test_it_can_be_cancelled() -> None:
    ended: list[str] = []

    async def main() -> None:
        started = asyncio.Event()

        async def work(prompt: Prompt) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(prompt.id)

        task = asyncio.create_task(run_bounded(prompts(9), work, 3))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert sorted(ended) == ["0", "1", "2"]
