"""What a directory holds: a run, a recipe with its stages, one training, or one evaluation. Reads files only."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cai.errors import UsageError
from cai.report.evaluation import RESULT, Evaluation, read_evaluation
from cai.report.files import number_in, read_object, rows_in, text_in
from cai.report.oracle import Oracle
from cai.report.run import Run, read_run
from cai.report.training import Training, is_training, read_training
from cai.store.run_dir import RunDir

RECIPE = "run.json"

Kind = Literal["run", "recipe", "training", "evaluation"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a recipe, and how it went."""

    name: str
    kind: str
    status: str
    seconds: float | None


@dataclass
class Material:
    """Everything that a page is made from. A recipe has any number of each; the others have one."""

    path: Path
    kind: Kind
    name: str
    stages: tuple[Stage, ...] = ()
    runs: list[Run] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    evaluations: list[tuple[str, Evaluation]] = field(default_factory=list)

    @property
    def is_sandbox(self) -> bool:
        """Whether anything here is of the embedded sandbox."""
        judged = any(found.harm_method == "oracle" for _, found in self.evaluations)
        return judged or any(run.is_sandbox for run in self.runs)


def gather(path: Path, oracle: Oracle) -> Material:
    """Read a directory.

    Args:
        path: Of any of the four kinds.
        oracle: Asked about each run.

    Raises:
        UsageError: The directory is of none of these kinds.
        StorageError: A file in it cannot be read.
    """
    name = path.resolve().name
    if (path / RECIPE).is_file():
        return _recipe(path, oracle)
    if RunDir(path).is_run:
        return Material(path, "run", name, runs=[read_run(path, oracle)])
    if (path / RESULT).is_file():
        return Material(path, "evaluation", name, evaluations=[(name, read_evaluation(path))])
    if is_training(path):
        return Material(path, "training", name, trainings=[read_training(path)])
    if not path.exists():
        raise UsageError("there is no such folder", where=str(path), fix="check the path")
    raise UsageError(
        "there is nothing here to report: no run, recipe, training or evaluation",
        where=str(path),
        fix="name what `cai generate`, `cai run`, `cai train` or `cai eval` was given as --out",
    )


def _recipe(path: Path, oracle: Oracle) -> Material:
    row = read_object(path / RECIPE, "cai run")
    stages = tuple(
        Stage(text_in(s, "name"), text_in(s, "kind"), text_in(s, "status"), number_in(s, "seconds"))
        for s in rows_in(row, "stages")
    )
    found = Material(path, "recipe", text_in(row, "pipeline") or path.resolve().name, stages)
    for stage in stages:
        place = path / stage.name
        # A name is no path: what stands in run.json must not lead out of the folder.
        if place.parent != path or not place.is_dir():
            continue
        if RunDir(place).is_run and stage.kind == "generate":
            found.runs.append(read_run(place, oracle, stage.name))
        elif stage.kind == "train" and is_training(place):
            found.trainings.append(read_training(place, stage.name))
        elif (place / RESULT).is_file():
            found.evaluations.append((stage.name, read_evaluation(place)))
    return found
