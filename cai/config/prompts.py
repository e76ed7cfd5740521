"""Where prompts come from: files and datasets of the Hub, how their columns are named, and how several are mixed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from cai.config.base import Config
from cai.config.forms import OrText
from cai.records import Author

NO_HAZARD = "none"
"""In `hazard_weights`: prompts that name no hazard."""

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ColumnsConfig(Config):
    """Names of columns in place of our own.

    `turns.0` means the first item of the list in the column `turns`, `meta.kind` the key `kind` of the object in the
    column `meta`, unless a column has that very name.
    """

    prompt: str | None = None
    """Column of the prompt: a text, or a list of messages."""
    messages: str | None = None
    """Column of the conversation: a list of messages."""
    chosen: str | None = None
    """Column of an hh-rlhf text, of which everything up to the last human turn is taken."""
    hazard: str | None = None
    """Column of the hazard."""
    tags: str | None = None
    """Column of the tags."""
    role: str = "role"
    """Key of a message's author."""
    content: str = "content"
    """Key of a message's text."""

    @model_validator(mode="after")
    def _one_prompt(self) -> "ColumnsConfig":
        named = [name for name in ("prompt", "messages", "chosen") if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are both named, but a prompt is in one of them: leave one out")
        return self


class SourceConfig(Config):
    """A file or a dataset of prompts, and what its columns and names mean."""

    path: str
    """A file, the name of shipped prompts, or a dataset: `hf:ORG/NAME[/FOLDER][@REVISION][:CONFIG][#SPLIT]`."""
    columns: ColumnsConfig = ColumnsConfig()
    """Where the parts of a prompt stand, if the columns have other names than ours."""
    roles: dict[str, Author] = Field(default_factory=dict)
    """Authors of messages that have other names, such as `human: user`."""
    hazards: dict[str, str | None] = Field(default_factory=dict)
    """Hazards that have other names, such as `Child abuse: cse`; null for a name that means no hazard. Names that are
    not listed stay as they are."""
    hazard: str | None = None
    """Hazard of every prompt that names none."""
    tags: tuple[str, ...] = ()
    """Tags for every prompt, beside its own."""
    drop_answer: bool = False
    """Drop what follows the last user turn of a conversation; without this, such a row is an error."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many prompts, from the beginning."""


class PromptSourceConfig(SourceConfig):
    """One of several sources. In a file its path alone is enough."""

    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Its share of the mixture, relative to the other weights: 3 beside 1 makes three quarters. Nothing is taken twice:
    the source that is shortest for its share is taken whole, the others are thinned."""


PromptSource = Annotated[PromptSourceConfig, OrText(lambda path: PromptSourceConfig(path=path))]


class PromptsConfig(Config):
    """Several sources, mixed."""

    sources: Annotated[tuple[PromptSource, ...], Field(min_length=1)]
    """Files and datasets; the path alone stands for one."""
    hazard_weights: dict[str, Weight] = Field(default_factory=dict)
    """How readily prompts of a hazard are taken, relative to the largest weight in their source; hazards that are not
    named have 1, and `none` means prompts without a hazard. With `ncr: 2` every other prompt is half as likely to be
    taken as one of ncr; 0 leaves a hazard out."""

    def __str__(self) -> str:
        """For people, such as `red.jsonl (3) + helpful.jsonl (1)`."""
        if len(self.sources) == 1:
            return self.sources[0].path
        return " + ".join(f"{source.path} ({source.weight:g})" for source in self.sources)


_A_PATH, _ONE, _A_LIST, _MIXTURE = "a path", "one source", "a list", "a mixture"


def _form(value: Any) -> str:
    """Which of the four forms a value has; its name is no key, so that errors do not take it for one."""
    if isinstance(value, str):
        return _A_PATH
    if isinstance(value, list | tuple):
        return _A_LIST
    return _ONE if isinstance(value, Mapping) and "sources" not in value and "path" in value else _MIXTURE


@dataclass(frozen=True)
class _Forms:
    """A path stays a path; one source, a list of sources and a mixture all become a mixture."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        after = core_schema.no_info_after_validator_function
        one = after(lambda value: PromptsConfig(sources=(value,)), handler.generate_schema(PromptSourceConfig))
        several = handler.generate_schema(Annotated[tuple[PromptSource, ...], Field(min_length=1)])
        return core_schema.tagged_union_schema(
            {
                _A_PATH: core_schema.str_schema(),
                _MIXTURE: handler.generate_schema(PromptsConfig),
                _ONE: one,
                _A_LIST: after(lambda values: PromptsConfig(sources=values), several),
            },
            discriminator=_form,
        )


Prompts = Annotated[str | PromptsConfig, _Forms()]
"""Prompts as a file names them: a path, one source, a list of sources, or a mixture. The first stays a text."""


def as_mixture(prompts: str | PromptsConfig) -> PromptsConfig:
    """The same, spelled out."""
    return PromptsConfig(sources=(PromptSourceConfig(path=prompts),)) if isinstance(prompts, str) else prompts
