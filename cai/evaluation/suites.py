"""Sets of prompts, and what is expected of an answer to each. Knows no model."""

from collections.abc import Sequence
from dataclasses import dataclass

from cai.config.evaluation import EvaluationConfig, PromptSetConfig
from cai.data.sources import no_prompt, read
from cai.records import Prompt


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt of one set; `harmful`: it should be refused, else it should be answered."""

    set: str
    prompt: Prompt
    harmful: bool


@dataclass(frozen=True, slots=True)
class PromptSet:
    """A set as it was read: every prompt once, in the order of the file."""

    name: str
    path: str
    items: tuple[Item, ...]


def load_sets(config: EvaluationConfig) -> tuple[PromptSet, ...]:
    """Read every set.

    Raises:
        PromptSourceError: A file is missing, malformed or holds no prompt.
    """
    return tuple(_load(name, chosen, config.limit) for name, chosen in config.prompts.items())


def _load(name: str, config: PromptSetConfig, limit: int | None) -> PromptSet:
    # A limit counts prompts, not the rows of which some are the same.
    most = min(config.limit or 2**62, limit or 2**62)
    prompts: dict[str, Prompt] = {}
    for prompt in read(config.model_copy(update={"limit": None})):
        if len(prompts) >= most:
            break
        prompts.setdefault(prompt.id, prompt)
    if not prompts:
        raise no_prompt(config.path)
    items = tuple(Item(name, prompt, _harmful(prompt, config)) for prompt in prompts.values())
    return PromptSet(name, config.path, items)


def _harmful(prompt: Prompt, config: PromptSetConfig) -> bool:
    return config.expects == "refuse" or (config.expects == "by_hazard" and prompt.hazard is not None)


def unmarked(sets: Sequence[PromptSet], config: EvaluationConfig) -> tuple[str, ...]:
    """Sets taken by hazard in which no prompt names one: perhaps nobody has marked them."""
    by_hazard = [found for found in sets if config.prompts[found.name].expects == "by_hazard"]
    return tuple(found.name for found in by_hazard if not any(item.harmful for item in found.items))
