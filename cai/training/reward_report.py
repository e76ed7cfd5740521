"""What is known of a trained reward model: its figures for the summary, and the scale on which it is to be read.

Pure functions of rewards; the networks are elsewhere.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cai.training.calibration import (
    ScoredPair,
    accuracy_by_hazard,
    accuracy_by_length_difference,
    cross_fitted,
    decided,
    expected_calibration_error,
    fit_temperature,
    pairwise_accuracy,
    probability,
    reliability,
)

SCALE_FILE = "reward.json"
"""Beside the weights: what makes scores come out normalised and probabilities calibrated."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How raw rewards are read: normalised by mean and deviation of a reference set, then clipped.

    `temperature` divides the difference of two raw rewards before it becomes a probability.
    """

    mean: float
    std: float
    temperature: float
    clip: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def scale_of(reference: Sequence[float], heldout: Sequence[ScoredPair], clip: float | None) -> Scale:
    """The scale from raw rewards of the reference answers, with a temperature fitted on the held-out pairs.

    A model that gives every answer the same reward has no deviation: it is read with 1.
    """
    mean = math.fsum(reference) / len(reference)
    std = math.sqrt(math.fsum((reward - mean) ** 2 for reward in reference) / len(reference))
    return Scale(mean, std if std > 1e-8 else 1.0, fit_temperature(heldout), clip)


def reward_figures(scale: Scale, pairs: Sequence[ScoredPair], decided_from: float) -> dict[str, Any]:
    """Figures on the held-out pairs, as `reward_model` in the summary has them; None where there are no pairs.

    Accuracy is that on decided pairs, and `heldout_accuracy_all` that on all. Calibration is measured on all.
    `ece`, `ece_equal_count`, `ece_hard` and `reliability` are honest about the temperature: each pair is read at one
    that was fitted on the other half of the pairs (`cross_fitted`); the temperature of the scale, fitted on all, is
    for use afterwards. `ece_hard` takes every label as certain: it asks how often the model's verdict is the judge's,
    in place of how probable the judge found it.
    """
    targets = [pair.target for pair in pairs]
    ranked = decided(pairs, decided_from)
    fitted = cross_fitted(pairs)
    table = reliability(fitted, targets)
    before = reliability([probability(pair.lead) for pair in pairs], targets)
    return {
        "heldout_accuracy": pairwise_accuracy(ranked),
        "heldout_accuracy_all": pairwise_accuracy(pairs),
        "ece": expected_calibration_error(table),
        "ece_equal_count": expected_calibration_error(reliability(fitted, targets, equal_count=True)),
        "ece_hard": expected_calibration_error(reliability(fitted, [float(target >= 0.5) for target in targets])),
        "ece_uncalibrated": expected_calibration_error(before),
        **scale.to_dict(),
        "n": len(pairs),
        "decided": len(ranked),
        "by_hazard": {name: part._asdict() for name, part in accuracy_by_hazard(ranked).items()},
        "by_length_difference": [part._asdict() for part in accuracy_by_length_difference(ranked)],
        "reliability": [row._asdict() for row in table],
        "reliability_uncalibrated": [row._asdict() for row in before],
    }
