"""Draws principles for a prompt and a round, by weight, from names alone.

Each principle gets its own random number from (seed, prompt, round, its id), so neither the order of the file nor the
order of the run matters, and a principle that is added or edited changes only the draws that it wins or gave up.
"""

import hashlib
import math
from collections.abc import Sequence

from cai.constitution.schema import Principle


def draw(principles: Sequence[Principle], seed: int, prompt_id: str, round: int, k: int = 1) -> tuple[Principle, ...]:  # noqa: A002
    """Draw `k` different principles, first drawn first; all of them if there are fewer.

    The one with the smallest -ln(u) / weight wins, which takes each with a probability in proportion to its weight, and
    for k > 1 is drawing without putting back (Efraimidis and Spirakis 2006, "Weighted random sampling with a
    reservoir", with the exponential in place of u ** (1 / weight)).

    Args:
        principles: Those that apply here; see `cai.constitution.schema.applies`.
        seed: Seed of the run.
        prompt_id: Id of the prompt or the comparison.
        round: Which round of critique, or 0.
        k: How many.

    Raises:
        ValueError: `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}, but at least one principle must be drawn")

    def key(principle: Principle) -> tuple[float, str]:
        return -math.log(_uniform(seed, prompt_id, round, principle.id)) / principle.weight, principle.id

    return tuple(sorted(principles, key=key)[:k])


def _uniform(seed: int, prompt_id: str, round_: int, principle_id: str) -> float:
    """A number in (0, 1), ends excluded, from the hash of the names."""
    # Lengths keep apart what joins to the same text.
    name = f"{seed}:{round_}:{len(prompt_id)}:{prompt_id}:{principle_id}".encode()
    bits = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 12
    return (bits + 0.5) / 2**52
