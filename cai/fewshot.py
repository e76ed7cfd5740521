"""The typed examples that stand before a prompt in the transcript form.

They are data in prompts/fewshot/; templates decide how they look.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, RootModel

from cai.config.base import Config
from cai.errors import TemplateError
from cai.records import Author
from cai.yaml_model import load_yaml_model


class ExampleMessage(Config):
    """One turn of an example's conversation."""

    role: Author
    content: str


class RevisionExample(Config):
    """A conversation, an answer to it, what is wrong with the answer, and a better one."""

    messages: Annotated[tuple[ExampleMessage, ...], Field(min_length=1)]
    answer: str
    critique_request: str
    critique: str
    revision_request: str
    revision: str


class ComparisonExample(Config):
    """A conversation, two answers to it, and the better one."""

    messages: Annotated[tuple[ExampleMessage, ...], Field(min_length=1)]
    response_a: str
    response_b: str
    question: str
    better: Literal["A", "B"]


class RevisionExamples(RootModel[tuple[RevisionExample, ...]]):
    """The file fewshot/critique_revision.yaml."""


class ComparisonExamples(RootModel[tuple[ComparisonExample, ...]]):
    """The file fewshot/comparison.yaml."""


def revision_examples(prompts: Path) -> tuple[RevisionExample, ...]:
    """Examples of critique and revision; none if the folder of prompts has no such file.

    Raises:
        TemplateError: The file is not valid; says where and why.
    """
    path = prompts / "fewshot" / "critique_revision.yaml"
    return load_yaml_model(path, RevisionExamples, TemplateError).root if path.is_file() else ()


def comparison_examples(prompts: Path) -> tuple[ComparisonExample, ...]:
    """Examples of comparisons; none if the folder of prompts has no such file.

    Raises:
        TemplateError: The file is not valid; says where and why.
    """
    path = prompts / "fewshot" / "comparison.yaml"
    return load_yaml_model(path, ComparisonExamples, TemplateError).root if path.is_file() else ()
