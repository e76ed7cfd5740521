"""From votes to a label."""

import asyncio
import math
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

from cai.records import Label, Vote

T = TypeVar("T")


async def all_of(asking: Iterable[Awaitable[T]]) -> list[T]:
    """Every result. Each is waited for even if one fails, so that none is left running when its record has ended."""
    results = await asyncio.gather(*asking, return_exceptions=True)
    found: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found


def combine(comparison_id: str, votes: Sequence[Vote], method: str) -> Label:
    """The mean over votes. `flipped`: for more than half of the principles, the two orders gave opposite verdicts.

    Principles are counted for each labeler. A vote of exactly one half is no verdict, and opposite to none; one that
    was asked in one order alone cannot flip.
    """
    by_principle: dict[tuple[str, str], dict[str, float]] = {}
    for vote in votes:
        by_principle.setdefault((vote.labeler, vote.principle_id), {})[vote.order] = vote.p_a
    flips = [(orders["ab"] - 0.5) * (orders["ba"] - 0.5) < 0 for orders in by_principle.values() if len(orders) == 2]
    return Label(
        comparison_id=comparison_id,
        p_a=math.fsum(vote.p_a for vote in votes) / len(votes),
        label_mass=math.fsum(vote.mass for vote in votes) / len(votes),
        flipped=sum(flips) * 2 > len(flips),
        method=method,
        votes=tuple(votes),
    )
