"""A pipeline: engines, roles, settings of generation, and stages. This is what a file in pipelines/ holds."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cai.config.base import Config
from cai.config.recipe import StageConfig, check_stages
from cai.config.roles import EngineConfig, RolesConfig
from cai.config.stages import GenerateConfig


class PipelineConfig(Config):
    """A pipeline file, before or after the command line has filled it in."""

    name: str
    description: str = ""
    constitution: str | None = None
    """Constitution file; the command line may name another."""
    prompts: str | None = None
    """File of prompts; the command line may name another."""
    engines: Annotated[dict[str, EngineConfig], Field(min_length=1)]
    """Engines by key; roles name the key."""
    roles: RolesConfig = RolesConfig()
    generate: GenerateConfig = GenerateConfig()
    stages: tuple[StageConfig, ...] = ()
    """What `cai run` does, one stage after the other; `cai generate` does not read it."""

    @model_validator(mode="after")
    def _roles_name_engines(self) -> "PipelineConfig":
        for role in type(self.roles).model_fields:
            key = getattr(self.roles, role).engine
            if key not in self.engines:
                words = {"at": ["roles", role, "engine"], "key": key, "known": ", ".join(self.engines)}
                raise PydanticCustomError("unknown_engine", "there is no engine `{key}`; engines has {known}", words)
        return self

    @model_validator(mode="after")
    def _stages_follow_each_other(self) -> "PipelineConfig":
        check_stages(self.stages)
        return self


class RunConfig(Config):
    """What one run does, resolved: every default spelled out. Written to RUN/config.json."""

    pipeline: PipelineConfig
    constitution: str
    """Path of the constitution."""
    prompts: str
    """Path of the prompts."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many prompts."""
