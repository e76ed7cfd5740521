"""From a critique configuration to the mode."""

from collections.abc import Callable
from typing import Any

from cai.config.critique import CritiqueConfig
from cai.critique.base import CritiqueMode
from cai.critique.cross_model import CrossModel
from cai.critique.direct import Direct
from cai.critique.multi_turn import MultiTurn
from cai.critique.own import load_own
from cai.critique.single_turn import SingleTurn

CRITIQUE_MODES: dict[str, Callable[[Any], CritiqueMode]] = {
    "single_turn": SingleTurn,
    "multi_turn": MultiTurn,
    "cross_model": CrossModel,
    "direct": Direct,
    "own": load_own,
}


def build_critique(config: CritiqueConfig) -> CritiqueMode:
    """The critique mode that a configuration describes; `own` runs a file of the user's."""
    return CRITIQUE_MODES[config.kind](config)
