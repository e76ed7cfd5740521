"""From a label configuration to the method."""

from collections.abc import Callable
from typing import Any

from cai.config.stages import LabelConfig
from cai.dialogue import Stagecraft
from cai.labeling.base import LabelMethod
from cai.labeling.choice import ChoiceLabels

LABEL_METHODS: dict[str, Callable[[Any, Stagecraft], LabelMethod]] = {"choice": ChoiceLabels}


def build_labels(config: LabelConfig, craft: Stagecraft) -> LabelMethod:
    """The label method that a configuration describes."""
    return LABEL_METHODS[config.kind](config, craft)
