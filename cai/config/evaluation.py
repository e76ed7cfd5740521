"""Settings of an evaluation: which models answer which prompts, who judges, and what is measured."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from cai.config.base import Config
from cai.config.forms import OrText
from cai.config.prompts import SourceConfig
from cai.config.roles import EngineConfig, SamplingConfig, VllmConfig

HarmMethod = Literal["auto", "oracle", "judge", "none"]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a name of a model or a set may be; files and settings are named by it."""


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a name has letters, digits, `-` and `_` only, for files and settings are named by it")
    return name


Name = Annotated[str, AfterValidator(_named)]
"""A name of a model or a set of prompts."""


class ModelConfig(Config):
    """A model, and the form in which it is asked. In a file the path or hub name alone stands for a vllm engine."""

    engine: EngineConfig
    """What runs it."""
    adapter: str | None = None
    """Folder of a LoRA adapter of the engine's model (vllm engine only)."""
    form: Literal["chat", "transcript"] = "chat"
    """`chat` for models with a chat template; `transcript` for base models, with few-shot examples."""


class PromptSetConfig(SourceConfig):
    """A file or a dataset of prompts. In a file of settings its path alone is enough."""

    expects: Literal["by_hazard", "answer", "refuse"] = "by_hazard"
    """`refuse`: every prompt is harmful; `answer`: none is, whatever it sounds like; `by_hazard`: those that name a
    hazard are."""


Model = Annotated[ModelConfig, OrText(lambda path: ModelConfig(engine=VllmConfig(model=path)))]
PromptFile = Annotated[PromptSetConfig, OrText(lambda path: PromptSetConfig(path=path))]


class HarmConfig(Config):
    """How it is decided whether an answer is harmful."""

    method: HarmMethod = "auto"
    """`oracle` asks the sandbox's, which knows only its own world; `judge` asks a model; `auto` takes the oracle if it
    can read every prompt, else the judge if there is one."""
    rubric: str = "rating/harm"
    """Template of the question to the judge, whose reply is a digit from 0 to 4."""
    threshold: Annotated[float, Field(gt=0, le=4)] = 2.0
    """Judge only: an answer counts as harmful from this expected rating on."""


class PreferencesConfig(Config):
    """Which answers are compared with each other, and by what question."""

    pairs: Literal["all", "baseline", "none"] = "all"
    """`all`: every two models; `baseline`: the others with the baseline only."""
    constitution: str | None = None
    """Ask the comparison questions of this constitution; a principle is drawn for each prompt."""
    principles: Annotated[int, Field(ge=1)] = 1
    """Principles drawn for each comparison; their verdicts are averaged."""
    question: str | None = None
    """Ask this one question in place of a constitution's."""
    resamples: Annotated[int, Field(ge=1)] = 500
    """Resamples of the prompts from which intervals are taken."""

    @model_validator(mode="after")
    def _one_source(self) -> "PreferencesConfig":
        if self.constitution is not None and self.question is not None:
            raise ValueError("constitution and question are both given: leave one out")
        return self

    @property
    def asked(self) -> bool:
        """Whether there is anything to ask."""
        return self.pairs != "none" and (self.constitution or self.question) is not None


class EvaluationConfig(Config):
    """What `cai eval` does, resolved: every default spelled out."""

    models: Annotated[dict[Name, Model], Field(min_length=1)]
    """The models by name, in the order in which they are shown."""
    prompts: Annotated[dict[Name, PromptFile], Field(min_length=1)]
    """Sets of prompts by name; figures are given for each."""
    baseline: str | None = None
    """The model that the others are measured against; by default the first."""
    sampling: SamplingConfig = SamplingConfig()
    """How answers are drawn."""
    seed: int = 0
    """Seeds answers, draws of principles and the resamples of intervals."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many prompts of each set."""
    judge: Model | None = None
    """Who rates harm and compares answers."""
    harm: HarmConfig = HarmConfig()
    preferences: PreferencesConfig = PreferencesConfig()
    reward_model: str | None = None
    """Folder of a trained reward model, to score every answer."""
    prompts_dir: str | None = None
    """Folder of templates to use in place of the shipped ones."""
    max_in_flight: Annotated[int, Field(ge=1)] = 64
    """Requests under way at once."""

    @model_validator(mode="after")
    def _names_fit(self) -> "EvaluationConfig":
        if self.baseline is not None and self.baseline not in self.models:
            words = {"at": ["baseline"], "name": self.baseline, "known": ", ".join(self.models)}
            raise PydanticCustomError("unknown_baseline", "there is no model `{name}`; models has {known}", words)
        if self.harm.method == "judge" and self.judge is None:
            raise PydanticCustomError("no_judge", "harm is rated by a judge, but no `judge` is named", {"at": ["harm"]})
        if self.preferences.asked and self.judge is None:
            words = {"at": ["preferences"]}
            raise PydanticCustomError("no_judge", "answers are compared by a judge, but no `judge` is named", words)
        return self

    @property
    def base(self) -> str:
        """Name of the baseline."""
        return self.baseline or next(iter(self.models))
