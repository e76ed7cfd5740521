"""From a critique configuration to the mode."""

from collections.abc import Callable
from typing import Any

from cai.config.critique import CritiqueConfig
from cai.critique.base import CritiqueMode
from cai.critique.direct import Direct
from cai.critique.single_turn import SingleTurn

CRITIQUE_MODES: dict[str, Callable[[Any], CritiqueMode]] = {"single_turn": SingleTurn, "direct": Direct}


def build_critique(config: CritiqueConfig) -> CritiqueMode:
    """The critique mode that a configuration describes."""
    return CRITIQUE_MODES[config.kind](config)
