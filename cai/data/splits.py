"""Which split a prompt belongs to, drawn from ids alone: neither order nor restarts change anything.

Near-duplicates go together: the smallest id of their group is drawn for all of them.
"""

from cai.config.stages import SplitConfig
from cai.data.groups import Place
from cai.records import Split, content_hash

_SMALL_GROUP = 10


def split_of(prompt_id: str, config: SplitConfig, seed: int, *, kept_out: bool = False) -> Split:
    """Draw the split of a prompt that stands alone.

    Whether a prompt is kept for evaluation does not depend on `mode` or `sft`, and a larger `eval` share keeps every
    prompt that a smaller one kept.

    Args:
        prompt_id: Id of the prompt.
        config: Shares and mode.
        seed: Seed of the run.
        kept_out: Never draw the evaluation split.
    """
    if not kept_out and _uniform("split:eval", seed, prompt_id) < config.eval:
        return "eval"
    if config.mode == "shared":
        return "train"
    return "sft" if _uniform("split:sft", seed, prompt_id) < config.sft else "preference"


def split_of_group(place: Place, prompts: int, config: SplitConfig, seed: int) -> Split:
    """Draw the split of a prompt's group, so that its near-duplicates are all in the same.

    A group that is larger than the evaluation split is meant to be stays out of it: where most prompts are made from
    one pattern, evaluation must not consist of them, and training be left with nothing.

    Args:
        place: The prompt among the others.
        prompts: How many there are.
        config: Shares and mode.
        seed: Seed of the run.
    """
    large = place.size > max(_SMALL_GROUP, config.eval * prompts)
    return split_of(place.leader, config, seed, kept_out=large)


def _uniform(name: str, seed: int, prompt_id: str) -> float:
    """A number in [0, 1) that depends on the names only."""
    return int(content_hash(name, seed, prompt_id), 16) / 2**64
