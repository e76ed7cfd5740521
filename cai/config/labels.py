"""Label methods and comparisons: which pairs of answers are judged, and how."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config
from cai.config.forms import OrKind
from cai.config.roles import RoleConfig


class PrincipleLabels(Config):
    """What all label methods share."""

    principles: Annotated[int, Field(ge=1)] = 1
    """Principles drawn for each comparison; their labels are averaged."""
    negated: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the principles that are asked turned round (which answer is worse by it?), their answers turned back."""


class ChoiceLabelConfig(PrincipleLabels):
    """The probability that A is better, from the log-probabilities of the two letters, asked in both orders."""

    kind: Literal["choice"] = "choice"


class CotLabelConfig(PrincipleLabels):
    """The labeler first writes its reasons, then the two letters are scored after them."""

    kind: Literal["cot"] = "cot"
    clamp: tuple[Annotated[float, Field(ge=0, le=0.5)], Annotated[float, Field(ge=0.5, le=1)]] = (0.4, 0.6)
    """Each judgement is brought into these bounds: after its own reasons a model is far too sure. [0, 1] for none."""

    @model_validator(mode="after")
    def _treats_both_answers_alike(self) -> "CotLabelConfig":
        low, high = self.clamp
        if low == high or abs(low + high - 1) > 1e-9:
            raise ValueError("the bounds of `clamp` must lie equally far from 0.5, such as [0.4, 0.6]")
        return self


class RatingLabelConfig(PrincipleLabels):
    """Each answer is rated from 1 to 10 by itself; the expected values are compared."""

    kind: Literal["rating"] = "rating"


class EnsembleLabelConfig(PrincipleLabels):
    """Several labelers judge by one method; the mean is the label, and their spread is kept."""

    kind: Literal["ensemble"] = "ensemble"
    labelers: Annotated[tuple[RoleConfig, ...], Field(min_length=2, max_length=16)]
    """The labelers: other engines, adapters or temperatures."""
    method: Annotated[ChoiceLabelConfig | CotLabelConfig | RatingLabelConfig, Field(discriminator="kind")] = (
        ChoiceLabelConfig()
    )
    """How each of them judges; `principles` and `negated` of the ensemble count, not those in here."""


LabelConfig = Annotated[
    Annotated[
        ChoiceLabelConfig | CotLabelConfig | RatingLabelConfig | EnsembleLabelConfig, Field(discriminator="kind")
    ],
    OrKind(ChoiceLabelConfig),
]


class ComparisonConfig(Config):
    """Which pairs of answers are judged, and which of them become preferences."""

    source: Literal["draft_vs_revision", "revision_vs_revision", "sampled", "two_models"] = "draft_vs_revision"
    """`draft_vs_revision` compares the draft with the last revision; `revision_vs_revision` those of two rounds;
    `sampled` fresh answers of the generator; `two_models` one fresh answer of the generator with one of `second`."""
    rounds: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    """With `revision_vs_revision`: the two rounds, such as [1, 4]; 0 is the draft."""
    samples: Annotated[int, Field(ge=2, le=16)] = 2
    """With `sampled`: answers drawn for each prompt, all of which are compared in pairs."""
    pairs: Literal["all", "best_vs_worst"] = "all"
    """With more than two answers: every pair becomes a preference, or only the best against the worst."""
    second: RoleConfig | None = None
    """With `two_models`: who writes the other answer."""
    min_margin: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Pairs whose two probabilities differ by less are left out of the preferences, and counted."""

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> "ComparisonConfig":
        if (self.source == "revision_vs_revision") != (self.rounds is not None):
            raise ValueError("`rounds` goes with source revision_vs_revision, and that source needs it")
        if self.rounds is not None and self.rounds[0] == self.rounds[1]:
            raise ValueError("`rounds` names the same round twice")
        if (self.source == "two_models") != (self.second is not None):
            raise ValueError("`second` goes with source two_models, and that source needs it")
        if self.source != "sampled" and self.samples != 2:
            raise ValueError("`samples` goes with source sampled")
        return self
