"""The seeds: which prompts new ones are made from, and which are only there to be told from copies. Knows no model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cai.config.prompts import PromptsConfig
from cai.constitution.taxonomy import taxonomy
from cai.data.mapping import check_hazards
from cai.data.mixture import mix
from cai.errors import PromptSourceError
from cai.records import Prompt

NOT_MADE = ("cse",)
"""Hazards of which no model is asked for more: the words alone can do harm, and be a crime."""


@dataclass(frozen=True)
class Seeds:
    """Prompts by hazard, each hazard in the order of ids: what is drawn does not depend on the order of the file.

    `every` has all prompts that were read, also those that cannot be used: `several_turns` of them have more than one
    turn, `no_hazard` of the others name none.
    """

    by_hazard: Mapping[str, Sequence[Prompt]]
    every: Sequence[Prompt]
    several_turns: int
    no_hazard: int

    @property
    def used(self) -> int:
        """Seeds that new prompts are made from."""
        return sum(map(len, self.by_hazard.values()))


def load_seeds(prompts: str | PromptsConfig, hazards: Sequence[str], seed: int) -> Seeds:
    """Read the seeds.

    Args:
        prompts: Where they are.
        hazards: The hazards that are wanted; none means all that seeds name but those of which nothing is made.
        seed: Seeds the draws of a mixture.

    Raises:
        PromptSourceError: They cannot be read, or there is no seed for a hazard.
    """
    check_hazards(hazards, "--hazard")
    refused = [hazard for hazard in hazards if hazard in NOT_MADE]
    if refused:
        fix = "leave it out; prompts that there are can go into a run as they are"
        raise PromptSourceError(f"no new prompts are made of the hazard {refused[0]!r}", where="--hazard", fix=fix)
    every = tuple({prompt.id: prompt for prompt in mix(prompts, seed)}.values())
    single = [prompt for prompt in every if len(prompt.messages) == 1]
    named = [prompt for prompt in single if prompt.hazard is not None]
    wanted = tuple(dict.fromkeys(hazards)) or tuple(
        hazard
        for hazard in taxonomy().ids
        if hazard not in NOT_MADE and any(prompt.hazard == hazard for prompt in named)
    )
    by_hazard = {
        hazard: tuple(sorted((p for p in named if p.hazard == hazard), key=lambda p: p.id)) for hazard in wanted
    }
    seeds = Seeds(by_hazard, every, len(every) - len(single), len(single) - len(named))
    _check(seeds, str(prompts))
    return seeds


def _check(seeds: Seeds, where: str) -> None:
    missing = [hazard for hazard, found in seeds.by_hazard.items() if not found]
    if seeds.by_hazard and not missing:
        return
    there = sorted({p.hazard for p in seeds.every if p.hazard is not None and len(p.messages) == 1})
    if not there:
        raise PromptSourceError(
            "no seed of one turn names a hazard",
            where=where,
            fix="say in which column it is (seeds.columns.hazard), or which all have (seeds.hazard)",
        )
    if not missing:
        raise PromptSourceError(
            f"no prompts are made of any hazard that the seeds name: {', '.join(there[:8])}",
            where=where,
            fix="say which of ours they are (seeds.hazards)",
        )
    raise PromptSourceError(
        f"no seed of one turn is for {', '.join(missing)}", where=where, fix=f"there are some for {', '.join(there)}"
    )
