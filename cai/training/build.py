"""The kinds of training by name."""

from collections.abc import Callable
from typing import Any

from cai.training.kto import train_kto
from cai.training.preference import train_dpo
from cai.training.reward import train_reward
from cai.training.session import Session
from cai.training.sft import train_sft

TRAINERS: dict[str, Callable[[Session[Any]], dict[str, Any]]] = {
    "sft": train_sft,
    "dpo": train_dpo,
    "reward": train_reward,
    "kto": train_kto,
}
"""Each trains, measures and saves; what it returns goes into the summary: `heldout`, and what only its kind has."""
