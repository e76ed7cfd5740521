"""What one round of critique and revision is about: a principle, or several at once, and which of them by strategy.

Pure functions of names, so that a resumed, shuffled or distributed run asks the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from cai.config.critique import PrinciplesConfig
from cai.constitution.draw import draw
from cai.constitution.schema import Principle


@dataclass(frozen=True, slots=True)
class Brief:
    """The texts with which a round is asked for; see `cai.constitution.schema.Principle`."""

    principle_ids: tuple[str, ...]
    statement: str
    critique_request: str
    revision_request: str
    constraints: tuple[str, ...]

    @classmethod
    def of(cls, principles: Sequence[Principle]) -> Self:
        """One principle as it is written; several, one after another, no sentence twice."""
        return cls(
            tuple(principle.id for principle in principles),
            _joined(principle.statement for principle in principles),
            _joined(principle.critique_request for principle in principles),
            _joined(principle.revision_request for principle in principles),
            tuple(dict.fromkeys(text for principle in principles for text in principle.constraints)),
        )


def briefs(
    principles: Sequence[Principle],
    strategy: PrinciplesConfig,
    seed: int,
    prompt_id: str,
    hazard: str | None,
    rounds: int,
) -> list[Brief]:
    """What each round of a record is about.

    Args:
        principles: Those that apply to the prompt, in the order of the file; at least one.
        strategy: How they are chosen.
        seed: Seed of the run.
        prompt_id: Id of the prompt.
        hazard: Its hazard, if it is known.
        rounds: How many rounds there are.
    """
    kind = strategy.strategy
    indexes = range(1, rounds + 1)
    if kind == "all":
        return [Brief.of(principles)] * rounds
    if kind == "sequential":
        return [Brief.of([principles[(index - 1) % len(principles)]]) for index in indexes]
    if kind == "without_replacement":
        return [Brief.of([_dealt(principles, seed, prompt_id, index)]) for index in indexes]
    pool = principles
    if kind == "by_hazard":
        pool = [
            p for p in principles if hazard is not None and hazard in (*p.hazards, *p.applies_to.hazards)
        ] or principles
    return [Brief.of(draw(pool, seed, prompt_id, index)) for index in indexes]


def _dealt(principles: Sequence[Principle], seed: int, prompt_id: str, index: int) -> Principle:
    """The principle of a round when all are dealt out, by weight, before any comes again."""
    deal, place = divmod(index - 1, len(principles))
    # Deals count downwards from -1: the draws of rounds and comparisons have the numbers from 0 up.
    return draw(principles, seed, prompt_id, -1 - deal, len(principles))[place]


def _joined(texts: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(texts))
