"""From a label configuration to the method."""

from collections.abc import Callable
from typing import Any

from cai.config.labels import LabelConfig
from cai.dialogue import Stagecraft
from cai.labeling.base import LabelMethod
from cai.labeling.choice import ChoiceLabels
from cai.labeling.cot import CotLabels
from cai.labeling.ensemble import EnsembleLabels
from cai.labeling.rating import RatingLabels

LABEL_METHODS: dict[str, Callable[[Any, Stagecraft, int], LabelMethod]] = {
    "choice": ChoiceLabels,
    "cot": CotLabels,
    "rating": RatingLabels,
    "ensemble": EnsembleLabels,
}


def build_labels(config: LabelConfig, craft: Stagecraft, seed: int) -> LabelMethod:
    """The label method that a configuration describes; `seed` draws which questions are turned round."""
    return LABEL_METHODS[config.kind](config, craft, seed)
