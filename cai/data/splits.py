"""Which split a prompt belongs to, drawn from its id alone: order, growth and restarts change nothing."""

from cai.config.stages import SplitConfig
from cai.records import Split, content_hash


def split_of(prompt_id: str, config: SplitConfig, seed: int) -> Split:
    """Draw the split of a prompt.

    Whether a prompt is kept for evaluation does not depend on `mode` or `sft`, and a larger `eval` share keeps every
    prompt that a smaller one kept.

    Args:
        prompt_id: Id of the prompt.
        config: Shares and mode.
        seed: Seed of the run.
    """
    if _uniform("split:eval", seed, prompt_id) < config.eval:
        return "eval"
    if config.mode == "shared":
        return "train"
    return "sft" if _uniform("split:sft", seed, prompt_id) < config.sft else "preference"


def _uniform(name: str, seed: int, prompt_id: str) -> float:
    """A number in [0, 1) that depends on the names only."""
    return int(content_hash(name, seed, prompt_id), 16) / 2**64
