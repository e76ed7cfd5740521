"""Settings of the generation stage: critique, comparison, labels, tables and scheduling."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config
from cai.config.critique import CritiqueConfig, PrinciplesConfig, RevisionConfig, SingleTurnConfig, VerdictConfig
from cai.config.filters import FiltersConfig, Similarity
from cai.config.labels import ChoiceLabelConfig, ComparisonConfig, LabelConfig


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
    near_duplicates: Similarity | None = 0.8
    """Prompts that are at least so alike (Jaccard similarity of their five-character pieces) are never in different
    splits; null compares nothing, and near-duplicates may be anywhere."""


class GenerateConfig(Config):
    """The generation stage."""

    form: Literal["chat", "transcript"] = "chat"
    """`chat` for models with a chat template; `transcript` for base models, in the paper's form with few-shots."""
    prompts_dir: str | None = None
    """Folder of templates that take the place of the shipped ones of the same name."""
    principles: PrinciplesConfig = PrinciplesConfig()
    critique: CritiqueConfig = SingleTurnConfig()
    verdict: VerdictConfig | None = None
    """Ask for a structured verdict after each critique; by default there is none."""
    revision: RevisionConfig = RevisionConfig()
    rounds: Annotated[int, Field(ge=0, le=64)] = 4
    """Rounds of critique and revision; the paper used 4."""
    history: Literal["full", "latest"] = "full"
    """`full`: each round sees all rounds before it, and reuses their cached prefix; `latest`: only the answer that
    stands, which takes fewer tokens of context."""
    comparison: ComparisonConfig = ComparisonConfig()
    labels: LabelConfig = ChoiceLabelConfig()
    sft: SftConfig = SftConfig()
    split: SplitConfig = SplitConfig()
    filters: FiltersConfig = FiltersConfig()
    max_in_flight: Annotated[int, Field(ge=1)] = 64
    """Conversations under way at once."""
    seed: int = 0
    """Seeds every draw: principles, samples, order of answers, splits."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "GenerateConfig":
        comparison = self.comparison
        if self.rounds == 0 and comparison.source == "draft_vs_revision":
            raise ValueError("rounds is 0, so there is no revision to compare with: set comparison.source to sampled")
        if comparison.rounds is not None and max(comparison.rounds) > self.rounds:
            raise ValueError(f"comparison.rounds names round {max(comparison.rounds)}, but there are {self.rounds}")
        if self.verdict is not None and self.critique.kind == "direct":
            raise ValueError("critique mode direct makes no critique, so there is no verdict after it: remove verdict")
        if "unchanged" in self.revision.checks and self.verdict is None:
            raise ValueError("the check unchanged needs verdict: without a violation, the same answer again is right")
        return self
