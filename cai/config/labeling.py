"""Settings of the labelling of a file of comparisons."""

from typing import Annotated

from pydantic import Field, model_validator

from cai.config.base import Config
from cai.config.pipeline import PipelineConfig


class LabelingConfig(Config):
    """What `cai label` does, resolved: every default spelled out. Written to config.json beside the labels."""

    comparisons: str
    """Path of the file."""
    pipeline: PipelineConfig
    """Engines, the roles of the labelers, and in `generate` the label method, form, templates and seed."""
    constitution: str | None = None
    """Path of the constitution whose comparison questions are asked."""
    question: str | None = None
    """Ask this one question in place of a constitution's."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many rows."""

    @model_validator(mode="after")
    def _one_source_of_questions(self) -> "LabelingConfig":
        if (self.constitution is None) == (self.question is None):
            raise ValueError("give either a constitution or a question")
        return self
