"""A file of trajectories made elsewhere to a run directory that everything reads as one of our own.

The whole file is read and checked before anything is written. Nothing is asked of any model: the checks of
`cai.checks` say what is wrong with the revisions, as they do in the pipeline.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cai.config.pipeline import PipelineConfig, RunConfig
from cai.config.resolve import overridden
from cai.constitution.importers.naming import name_of
from cai.constitution.load import load_constitution
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.progress import ImportProgress
from cai.data.imported.rows import check_trajectories
from cai.data.imported.session import IMPORTED, ImportSummary, Material, write_run
from cai.errors import ConfigError, TrajectoryError, UsageError
from cai.store.fingerprint import file_sha256
from cai.store.journal import Journal
from cai.store.run_dir import ResumeMode, RunDir
from cai.yaml_model import validate_source
from cai.yaml_source import YamlSource

CONSTITUTION = "constitution.yaml"
"""The constitution in a run directory that was made of what the rows name."""
_NAMED_MODELS = 3


class _Survey(NamedTuple):
    """What the first reading of the file found: the most rounds of a row, and how many rows are of each model."""

    rounds: int
    criticised: bool
    models: dict[str, int]
    ids: PrincipleIds


def import_run(
    path: Path,
    out: Path,
    constitution: str | None = None,
    resume: ResumeMode = "if_possible",
    overrides: Sequence[str] = (),
    progress: ImportProgress | None = None,
) -> ImportSummary:
    """Read trajectories into a run directory, and export its datasets.

    Args:
        path: JSON lines; `cai.data.imported.rows` says what is in one.
        out: The run directory.
        constitution: File that the principles are of. Without one, a constitution is made of what the rows name; one
            that an earlier import made counts as given if somebody has edited it since.
        resume: As of `RunDir.open`. Records that are there already, and are the same, are not written again.
        overrides: Settings of a run, each `generate.filters.rows.flawed=false` and the like.
        progress: Kept up to date for whoever watches.

    Raises:
        TrajectoryError: The file or rows of it are not usable; nothing was written then.
        UsageError: `out` does not fit `resume`, or holds a run that was not imported.
        ConstitutionError: The constitution is not valid.
        ConfigError: An override is not valid.
        StorageError: A file cannot be read or written.
    """
    progress = progress or ImportProgress()
    constitution = constitution or _reworded(RunDir(out))
    given = load_constitution(constitution) if constitution is not None else None
    survey = _surveyed(path, PrincipleIds(given), progress)
    if given is None and not survey.ids.unknown:
        fix = "name the constitution with --constitution"
        raise TrajectoryError("no row has a round, so none names a principle", where=str(path), fix=fix)
    if given is not None and constitution is not None:
        rules, where, text = given, constitution, None
    else:
        rules, text = survey.ids.constitution(name_of(path.name.split(".")[0]) or "imported", path.name)
        where = str(out / CONSTITUTION)
    config = _config(path, where, survey, overrides)
    run = RunDir.open(out, resume)
    _check_was_imported(run)
    material = Material(path, config, rules, text, survey.ids, survey.models)
    return asyncio.run(write_run(material, run, progress))


def _surveyed(path: Path, ids: PrincipleIds, progress: ImportProgress) -> _Survey:
    most, criticised = 0, False
    models: Counter[str] = Counter()
    for row in check_trajectories(path):
        progress.done += 1
        most = max(most, len(row.rounds))
        models[row.model] += 1
        for round_ in row.rounds:
            ids.of(round_)
            criticised = criticised or round_.critique is not None
    progress.total = progress.done
    return _Survey(most, criticised, dict(models), ids)


def _reworded(run: RunDir) -> str | None:
    """The constitution that an earlier import made, if people have edited it: nothing may write over that."""
    path = run.path / CONSTITUTION
    if not run.is_run or not path.is_file():
        return None
    with Journal.read_only(run.journal_path) as journal:
        made = (journal.meta(IMPORTED) or {}).get("constitution_sha256")
    return None if made == file_sha256(path) else str(path)


def _check_was_imported(run: RunDir) -> None:
    """A generated run must not become an imported one by a wrong path."""
    if not run.is_run:
        return
    with Journal.read_only(run.journal_path) as journal:
        if journal.latest_session() is not None and journal.meta(IMPORTED) is None:
            raise UsageError(
                "this run was generated, not imported", where=str(run.path), fix="choose another run directory"
            )


def _config(path: Path, constitution: str, survey: _Survey, overrides: Sequence[str]) -> RunConfig:
    """The settings under which our own pipeline would have made the like."""
    critique = {"kind": "single_turn" if survey.criticised or not survey.rounds else "direct"}
    generate = {"critique": critique, "rounds": survey.rounds, "revision": {"retries": 0}}
    settings = {
        "name": "import-run",
        "description": f"Imported from {path.name}; nothing was generated here.",
        "constitution": constitution,
        "prompts": str(path),
        "engines": {"default": {"kind": "imported", "model": _model(survey.models)}},
        # Without a revision there is none to compare the draft with.
        "generate": generate if survey.rounds else {**generate, "comparison": {"source": "sampled"}},
    }
    source = overridden(YamlSource("the command line", settings), overrides)
    pipeline = validate_source(source, PipelineConfig, ConfigError)
    return RunConfig(pipeline=pipeline, constitution=constitution, prompts=str(path))


def _model(models: dict[str, int]) -> str:
    """One name for the cards: the commonest models, and how many others there are."""
    names = sorted(models, key=lambda name: (-models[name], name))
    left = len(names) - _NAMED_MODELS
    return ", ".join(names[:_NAMED_MODELS]) + (f" and {left} more" if left > 0 else "")
