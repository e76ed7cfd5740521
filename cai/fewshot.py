"""The typed examples that stand before a prompt in the transcript form.

They are data in prompts/fewshot/; templates decide how they look.
"""

from collections.abc import Sequence
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


class ReasonedExample(ComparisonExample):
    """A comparison, and why the better answer is better."""

    reasons: str


class RevisionExamples(RootModel[tuple[RevisionExample, ...]]):
    """The file fewshot/critique_revision.yaml."""


class ComparisonExamples(RootModel[tuple[ComparisonExample, ...]]):
    """The file fewshot/comparison.yaml."""


class ReasonedExamples(RootModel[tuple[ReasonedExample, ...]]):
    """The file fewshot/comparison_cot.yaml."""


def revision_examples(folders: Sequence[Path]) -> tuple[RevisionExample, ...]:
    """Examples of critique and revision; none if no folder of prompts has that file.

    Args:
        folders: Folders of prompts; the first that has the file gives it.

    Raises:
        TemplateError: The file is not valid; says where and why.
    """
    path = _first(folders, "critique_revision.yaml")
    return load_yaml_model(path, RevisionExamples, TemplateError).root if path else ()


def comparison_examples(folders: Sequence[Path]) -> tuple[ComparisonExample, ...]:
    """Examples of comparisons; see `revision_examples`."""
    path = _first(folders, "comparison.yaml")
    return load_yaml_model(path, ComparisonExamples, TemplateError).root if path else ()


def reasoned_examples(folders: Sequence[Path]) -> tuple[ReasonedExample, ...]:
    """Examples of comparisons with reasons; see `revision_examples`."""
    path = _first(folders, "comparison_cot.yaml")
    return load_yaml_model(path, ReasonedExamples, TemplateError).root if path else ()


def _first(folders: Sequence[Path], name: str) -> Path | None:
    return next((path for folder in folders if (path := folder / "fewshot" / name).is_file()), None)
