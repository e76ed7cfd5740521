"""Labels of several labelers: each judges by the same method, and their mean is the label.

Averaging over principles and judges takes away what one of them likes; how far they are apart says how much a label is
worth.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from cai.config.labels import EnsembleLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.labeling.base import LABELER, Judge, LabelMethod
from cai.labeling.choice import ChoiceLabels
from cai.labeling.cot import CotLabels
from cai.labeling.rating import RatingLabels
from cai.labeling.votes import all_of, combine
from cai.records import Comparison, Label

METHODS: dict[str, Callable[[Any, Stagecraft, int, str], LabelMethod]] = {
    "choice": ChoiceLabels,
    "cot": CotLabels,
    "rating": RatingLabels,
}


class EnsembleLabels:
    """Labelers `labeler.1`, `labeler.2`, ... of one method; each judges by all of the principles.

    Args:
        config: The method's settings.
        craft: Templates.
        seed: Draws which questions are turned round, for all labelers alike.

    Raises:
        TemplateError: A template is missing, or asks for what it is not given.
    """

    def __init__(self, config: EnsembleLabelConfig, craft: Stagecraft, seed: int) -> None:
        self.config = config
        self.roles = tuple(f"{LABELER}.{number}" for number, _ in enumerate(config.labelers, start=1))
        each = config.method.model_copy(update={"principles": config.principles, "negated": config.negated})
        self._methods = [METHODS[each.kind](each, craft, seed, role) for role in self.roles]

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """What each labeler is asked."""
        return [[method.roles[0], method.asked(comparison, principles)] for method in self._methods]

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge a comparison: the mean over the labelers, and the standard deviation of their `p_a`.

        Raises:
            RequestError: A labeler gave no verdict.
        """
        labels = await all_of(method.label(comparison, principles, judge) for method in self._methods)
        votes = [vote for label in labels for vote in label.votes]
        together = combine(comparison.id, votes, method="ensemble")
        return Label(
            comparison_id=comparison.id,
            p_a=math.fsum(label.p_a for label in labels) / len(labels),
            label_mass=together.label_mass,
            flipped=together.flipped,
            method="ensemble",
            votes=together.votes,
            spread=statistics.pstdev(label.p_a for label in labels),
        )
