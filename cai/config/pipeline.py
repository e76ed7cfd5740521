"""A pipeline: engines, roles, settings of generation, and stages. This is what a file in pipelines/ holds."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cai.config.base import Config
from cai.config.prompts import Prompts
from cai.config.recipe import StageConfig, check_stages
from cai.config.roles import EngineConfig, RoleConfig, RolesConfig
from cai.config.stages import GenerateConfig


class PipelineConfig(Config):
    """A pipeline file, before or after the command line has filled it in."""

    name: str
    description: str = ""
    paths: Literal["beside", "here"] = "beside"
    """Where relative paths of this file are looked for: `beside` it first, or only in the current folder (`here`)."""
    constitution: str | None = None
    """Constitution file; the command line may name another."""
    prompts: Prompts | None = None
    """File or dataset of prompts, or several, mixed; the command line may name another."""
    engines: Annotated[dict[str, EngineConfig], Field(min_length=1)]
    """Engines by key; roles name the key."""
    roles: RolesConfig = RolesConfig()
    generate: GenerateConfig = GenerateConfig()
    stages: tuple[StageConfig, ...] = ()
    """What `cai run` does, one stage after the other; `cai generate` does not read it."""

    @model_validator(mode="after")
    def _roles_name_engines(self) -> "PipelineConfig":
        for place, role in self._placed_roles():
            if role.engine not in self.engines:
                words = {"at": [*place, "engine"], "key": role.engine, "known": ", ".join(self.engines)}
                raise PydanticCustomError("unknown_engine", "there is no engine `{key}`; engines has {known}", words)
        return self

    @model_validator(mode="after")
    def _stages_follow_each_other(self) -> "PipelineConfig":
        check_stages(self.stages)
        return self

    @property
    def all_roles(self) -> dict[str, RoleConfig]:
        """Every role by the name under which it is asked: the four, and those that the generation stage adds.

        `critic.1` and so on are the critics of critique mode cross_model, `labeler.1` and so on the labelers of an
        ensemble, `second` is the other model of comparison source two_models.
        """
        short = {"critics": "critic", "labelers": "labeler"}
        roles = {}
        for place, role in self._placed_roles():
            last = place[-1]
            name = f"{short[str(place[-2])]}.{last + 1}" if isinstance(last, int) else last
            roles[name] = role
        return roles

    def _placed_roles(self) -> Iterator[tuple[tuple[str | int, ...], RoleConfig]]:
        """Each role with its place in the file."""
        for name in type(self.roles).model_fields:
            yield ("roles", name), getattr(self.roles, name)
        generate = self.generate
        if generate.critique.kind == "cross_model":
            for index, critic in enumerate(generate.critique.critics):
                yield ("generate", "critique", "critics", index), critic
        if generate.labels.kind == "ensemble":
            for index, labeler in enumerate(generate.labels.labelers):
                yield ("generate", "labels", "labelers", index), labeler
        if generate.comparison.second is not None:
            yield ("generate", "comparison", "second"), generate.comparison.second


class RunConfig(Config):
    """What one run does, resolved: every default spelled out. Written to RUN/config.json."""

    pipeline: PipelineConfig
    constitution: str
    """Path of the constitution."""
    prompts: Prompts
    """Path of the prompts, or sources and how they are mixed."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many prompts."""
    allow_code: bool = False
    """Run Python code that the pipeline names, such as a critique mode of one's own."""
