"""Settings of the generation stage: critique, comparison, labels, tables and scheduling."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config


class SingleTurnConfig(Config):
    """One critique in one turn, as in the paper."""

    kind: Literal["single_turn"] = "single_turn"


class DirectConfig(Config):
    """No critique: the revision is asked for at once. The paper's ablation; worse for small models."""

    kind: Literal["direct"] = "direct"


CritiqueConfig = Annotated[SingleTurnConfig | DirectConfig, Field(discriminator="kind")]


class ChoiceLabelConfig(Config):
    """The probability that A is better, from the log-probabilities of the two letters, asked in both orders."""

    kind: Literal["choice"] = "choice"
    principles: Annotated[int, Field(ge=1)] = 1
    """Principles drawn for each comparison; their labels are averaged."""


LabelConfig = ChoiceLabelConfig
"""One method so far; the next one makes this a union told apart by `kind`."""


class ComparisonConfig(Config):
    """Which pairs of answers are judged."""

    source: Literal["draft_vs_revision", "sampled"] = "draft_vs_revision"
    """`draft_vs_revision` compares the draft with the last revision; `sampled` compares two fresh answers."""


class SftConfig(Config):
    """What goes into the SFT table."""

    revisions: Literal["all", "final"] = "all"
    """`all`: a row for the answer of every round, as the paper; `final`: the last one only."""


class SplitConfig(Config):
    """How prompts are divided, drawn from each prompt's id."""

    eval: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of prompts kept for evaluation, in both datasets."""
    mode: Literal["shared", "disjoint"] = "shared"
    """`shared`: each training prompt feeds both datasets; `disjoint`: one of the two, so that the reward model sees
    prompts that SFT did not."""
    sft: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """With `disjoint`: share of the training prompts that go to SFT."""


class GenerateConfig(Config):
    """The generation stage."""

    form: Literal["chat", "transcript"] = "chat"
    """`chat` for models with a chat template; `transcript` for base models, in the paper's form with few-shots."""
    prompts_dir: str | None = None
    """Folder of templates to use in place of the shipped ones."""
    critique: CritiqueConfig = SingleTurnConfig()
    rounds: Annotated[int, Field(ge=0, le=64)] = 4
    """Rounds of critique and revision; the paper used 4."""
    history: Literal["full", "latest"] = "full"
    """`full`: each round sees all rounds before it, and reuses their cached prefix; `latest`: only the answer that
    stands, which takes fewer tokens of context."""
    comparison: ComparisonConfig = ComparisonConfig()
    labels: LabelConfig = ChoiceLabelConfig()
    sft: SftConfig = SftConfig()
    split: SplitConfig = SplitConfig()
    max_in_flight: Annotated[int, Field(ge=1)] = 64
    """Conversations under way at once."""
    seed: int = 0
    """Seeds every draw: principles, samples, order of answers, splits."""

    @model_validator(mode="after")
    def _pairs_need_a_revision(self) -> "GenerateConfig":
        if self.rounds == 0 and self.comparison.source == "draft_vs_revision":
            raise ValueError("rounds is 0, so there is no revision to compare with: set comparison.source to sampled")
        return self
