"""What each stage of a recipe is in full: its settings, its command, and everything that it reads.

Nothing here starts a process or looks at what an earlier run has left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cai.errors import UsageError
from cai.resources import resource
from cai.yaml_model import did_you_mean

RESULTS = {"generate": "manifest.json", "train": "summary.json", "eval": "evaluation.json"}
"""The file that a stage of each kind writes last; a report is one file."""

InputKind = Literal["model", "sft", "preferences", "prompts", "constitution", "templates", "code", "result"]


class Input(NamedTuple):
    """Something that a stage reads: where its settings name it, what it is, its path, and the stage that makes it.

    `detail` tells two versions under one name apart, such as the commit of a model on the hub.
    """

    at: str
    kind: InputKind
    path: str
    stage: str | None = None
    detail: str = ""


def templates_inputs(folder: str | None) -> tuple[Input, ...]:
    """The templates of a stage: its own folder, and the shipped ones that fill in."""
    shipped = Input("templates", "templates", str(resource("prompts")))
    return (shipped,) if folder is None else (Input("prompts_dir", "templates", folder), shipped)


@dataclass(frozen=True)
class PlannedStage:
    """One stage.

    `settings` is what its settings file holds (None: it has none) and `arguments` follow `cai` on the command line.
    `reads` goes into its fingerprint by content, `ruling` (what in its settings can change its result) as it is.
    """

    name: str
    kind: str
    out: Path
    settings_file: Path
    settings: Mapping[str, Any] | None
    arguments: tuple[str, ...]
    reads: tuple[Input, ...]
    ruling: Mapping[str, Any]

    @property
    def result(self) -> Path:
        """The file whose presence means that the stage came to its end at least once."""
        return self.out / RESULTS[self.kind] if self.kind in RESULTS else self.out

    @property
    def needs(self) -> tuple[str, ...]:
        """The stages whose results it reads."""
        return tuple(dict.fromkeys(found.stage for found in self.reads if found.stage is not None))


@dataclass(frozen=True)
class Recipe:
    """All stages, in the order in which they run; `folder` holds everything."""

    name: str
    folder: Path
    stages: tuple[PlannedStage, ...]

    def stage(self, name: str) -> PlannedStage:
        """The stage of this name.

        Raises:
            UsageError: There is none.
        """
        found = next((stage for stage in self.stages if stage.name == name), None)
        if found is None:
            names = [stage.name for stage in self.stages]
            raise UsageError(f"there is no stage `{name}`", where=self.name, fix=did_you_mean(name, names, "stages"))
        return found

    def allowing_code(self) -> "Recipe":
        """The same, with stages of generation that may run Python code which the pipeline names."""
        stages = [
            replace(stage, arguments=(*stage.arguments, "--allow-code")) if stage.kind == "generate" else stage
            for stage in self.stages
        ]
        return replace(self, stages=tuple(stages))

    def followers(self, name: str) -> list[str]:
        """The stages that read what a stage makes, or what one of them makes."""
        found: list[str] = []
        for stage in self.stages:
            if not {name, *found}.isdisjoint(stage.needs):
                found.append(stage.name)
        return found
