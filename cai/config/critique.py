"""Critique modes: how an answer is criticised, and what is asked beside the critique."""

from typing import Annotated, Any, Literal

from pydantic import Field

from cai.config.base import Config
from cai.config.roles import RoleConfig


class SingleTurnConfig(Config):
    """One critique in one turn, as in the paper."""

    kind: Literal["single_turn"] = "single_turn"


class MultiTurnConfig(Config):
    """The critic questions the author of the answer, as a teacher does a student, and closes with the critique."""

    kind: Literal["multi_turn"] = "multi_turn"
    exchanges: Annotated[int, Field(ge=1, le=16)] = 2
    """Questions of the critic, each with the author's reply, before the critic closes."""


class CrossModelConfig(Config):
    """Critics on other engines, adapters or temperatures, whose critiques become one."""

    kind: Literal["cross_model"] = "cross_model"
    critics: Annotated[tuple[RoleConfig, ...], Field(min_length=1, max_length=16)]
    """Each critic reads the answer without seeing what the others say."""
    merge: Literal["all", "vote", "best"] = "all"
    """`all` puts the critiques one after another; `vote` asks each critic for a verdict and keeps the critiques of the
    majority; `best` lets the labeler choose one."""


class DirectConfig(Config):
    """No critique: the revision is asked for at once. The paper's ablation; worse for small models."""

    kind: Literal["direct"] = "direct"


class OwnModeConfig(Config):
    """A critique mode of your own, from a Python file. It runs only with --allow-code."""

    kind: Literal["own"] = "own"
    mode: str
    """The class, as `path/of/file.py:ClassName`."""
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]
    """What the class is made with, by name."""


CritiqueConfig = Annotated[
    SingleTurnConfig | MultiTurnConfig | CrossModelConfig | DirectConfig | OwnModeConfig, Field(discriminator="kind")
]


class VerdictConfig(Config):
    """After each critique the critic also states a verdict, as JSON that the engine is held to: whether the answer
    violates the principle, how badly (0 to 4), and the words of the answer that show it."""

    stop_when_compliant: bool = False
    """An answer that violates nothing is kept: no revision, and no further rounds."""
    recheck: bool = False
    """Ask for a verdict on the revision too; one that still violates is tried again (see `revision.retries`)."""
    max_new_tokens: Annotated[int, Field(ge=16)] = 160
    """Longest verdict, in tokens."""


class PrinciplesConfig(Config):
    """Which principles a round of critique is about."""

    strategy: Literal["independent", "without_replacement", "by_hazard", "sequential", "all"] = "independent"
    """`independent` draws by weight anew for each round, as the paper; `without_replacement` repeats none before all
    have had their turn; `by_hazard` draws only among those about the prompt's hazard, if there are any; `sequential`
    takes them in the order of the file; `all` asks for all of them at once."""


Check = Literal["truncated", "looping", "role_confusion", "unchanged"]


class RevisionConfig(Config):
    """What a revision must be, and what happens if it is not."""

    constraints: tuple[str, ...] = ()
    """Asked of every revision, after the principle's own constraints."""
    checks: tuple[Check, ...] = ("truncated", "looping", "role_confusion")
    """Flaws that are looked for: cut off at the token limit, repeating itself, a critique in the place of a revision,
    and (if the verdict found a violation) the same answer again."""
    retries: Annotated[int, Field(ge=0, le=8)] = 1
    """How often a revision with a flaw is drawn again. One that stays flawed is kept with its flaw in the record."""
    retry_temperature: Annotated[float, Field(gt=0, le=2)] = 0.7
    """Lowest temperature of these further draws: at 0 they would all be the same."""
