"""From the options of `cai label` to its settings."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cai.cli.settings import Choices, resolve
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.labeling import LabelingConfig

METHODS = ("choice", "cot", "rating", "ensemble")
_TWO = "[{engine: default}, {engine: default, adapter: FOLDER}]"
_ANY = Path("constitution/harmlessness.yaml")


@dataclass(frozen=True)
class LabelChoices:
    """What the user chose on the command line; None where nothing was said.

    `shared` are the options that `cai generate` has too; `shared.prompts` is the file of comparisons.
    """

    shared: Choices
    question: str | None = None
    method: str | None = None
    principles: int | None = None


def resolve_labeling(choices: LabelChoices) -> "LabelingConfig":
    """Everything spelled out: defaults, then the pipeline file, then the command line.

    Raises:
        UsageError: Something is missing or does not fit together.
    """
    from cai.config.labeling import LabelingConfig

    shared = choices.shared
    if choices.question is not None and shared.constitution is not None:
        raise UsageError("a constitution is given too", where="--question", fix="leave one of the two out")
    asked = replace(shared, overrides=(*_labels(choices), *shared.overrides))
    if choices.question is not None:
        # A run needs one; what is asked here is the question.
        asked = replace(asked, constitution=_ANY)
    run = resolve(asked)
    return LabelingConfig(
        comparisons=str(shared.prompts),
        pipeline=run.pipeline,
        constitution=None if choices.question is not None else run.constitution,
        question=choices.question,
        limit=shared.limit,
    )


def _labels(choices: LabelChoices) -> list[str]:
    """--method keeps the pipeline's settings of its method, and takes the defaults of another one."""
    found = []
    if choices.method is not None:
        if choices.method not in METHODS:
            raise UsageError(
                f"there is no method {choices.method!r}", where="--method", fix=f"use {', '.join(METHODS)}"
            )
        if choices.method != _kind_in(choices.shared.pipeline_file):
            if choices.method == "ensemble" and not any("labels.labelers" in text for text in choices.shared.overrides):
                fix = f"name them in the pipeline, or: --set 'generate.labels.labelers={_TWO}'"
                raise UsageError("an ensemble needs two labelers at least", where="--method", fix=fix)
            found.append(f"generate.labels={json.dumps({'kind': choices.method})}")
    if choices.principles is not None:
        found.append(f"generate.labels.principles={choices.principles}")
    return found


def _kind_in(pipeline: Path) -> str | None:
    """The label method of a pipeline file; None if it does not say, or cannot be read so far."""
    from cai.resources import find
    from cai.yaml_source import read_yaml

    file = find(str(pipeline), "pipelines")
    try:
        kind = read_yaml(file).data["generate"]["labels"]["kind"]
    except (OSError, KeyError, TypeError):
        # What is wrong with the file is said when it is loaded.
        return None
    return kind if isinstance(kind, str) else None
