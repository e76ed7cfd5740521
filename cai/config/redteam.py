"""Settings of red teaming: from which prompts new ones are made, by what methods, and what is kept of them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config
from cai.config.prompts import Prompts, Weight
from cai.config.roles import EngineConfig, SamplingConfig

Method = Literal["few_shot", "prompt_injection", "role_play", "disguise", "escalation", "language"]


def _default_methods() -> dict[Method, float]:
    return {
        "few_shot": 5.0,
        "prompt_injection": 1.0,
        "role_play": 1.0,
        "disguise": 1.0,
        "escalation": 1.0,
        "language": 1.0,
    }


class HazardCheckConfig(Config):
    """The model is asked of each new prompt whether it is about its hazard."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Least probability of "yes", averaged over both orders of the two answers; what is below is dropped."""


class RedteamConfig(Config):
    """What `cai redteam` does, resolved: every default spelled out."""

    seeds: Prompts
    """Prompts to begin with: a file or a dataset, or several. Those of one turn that name a hazard are used."""
    hazards: tuple[str, ...] = ()
    """Make prompts for these hazards, in equal numbers; by default for all that seeds name but `cse`, of which none are
    made."""
    n: Annotated[int, Field(ge=1)] = 100
    """New prompts wanted, of all hazards together."""
    methods: dict[Method, Weight] = Field(default_factory=_default_methods)
    """How often each method is tried, relative to the others. `few_shot` and `language` ask the model; the others are
    templates."""
    engine: EngineConfig
    """The model that writes; it is not started if no method asks it."""
    adapter: str | None = None
    """Folder of a LoRA adapter of the engine's model (vllm engine only)."""
    form: Literal["chat", "transcript"] = "chat"
    """`chat` for models with a chat template; `transcript` for base models."""
    sampling: SamplingConfig = SamplingConfig(max_new_tokens=128)
    """How texts are drawn; one that is cut off is dropped."""
    shots: Annotated[int, Field(ge=1, le=64)] = 5
    """Seeds of a hazard that are shown for each new prompt."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "German",
        "French",
        "Spanish",
        "Turkish",
        "Chinese",
        "Arabic",
        "Hindi",
        "Swahili",
    )
    """Names of languages, as they are written into the request to translate."""
    near: Annotated[float, Field(gt=0, le=1)] = 0.8
    """From this similarity on (shared pieces among all pieces of two texts) what the model wrote is a copy of a seed or
    of another new prompt, and is dropped."""
    near_templates: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The same for prompts of templates, whose own words are alike whatever is asked for. `cai generate` leaves out
    prompts from this similarity on too."""
    check: HazardCheckConfig | None = None
    """Ask the model whether each new prompt is about its hazard; by default it is not asked."""
    min_chars: Annotated[int, Field(ge=1)] = 10
    """Shortest last turn of a new prompt: a word or two are no request."""
    max_chars: Annotated[int, Field(ge=1)] = 2000
    """Longest new prompt, all turns together."""
    tries: Annotated[float, Field(ge=1)] = 8.0
    """Most tries for each prompt that is wanted."""
    patience: Annotated[int, Field(ge=1)] = 60
    """Stop with a hazard after this many tries in a row that gave nothing new."""
    prompts_dir: str | None = None
    """Folder of templates that take the place of the shipped ones of the same name."""
    max_in_flight: Annotated[int, Field(ge=1)] = 64
    """Requests under way at once."""
    seed: int = 0
    """Seeds every draw."""

    @model_validator(mode="after")
    def _something_is_tried(self) -> "RedteamConfig":
        if not any(self.methods.values()):
            raise ValueError("no method has a weight above 0, so nothing can be made")
        return self
