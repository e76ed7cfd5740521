"""A file of trajectories made elsewhere to a run directory that everything reads as one of our own.

The whole file is read and checked before anything is written. Nothing is asked of any model: the checks of
`cai.checks` say what is wrong with the revisions, as they do in the pipeline.
"""

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cai.config.critique import CritiqueConfig, DirectConfig, RevisionConfig, SingleTurnConfig
from cai.config.labels import ComparisonConfig
from cai.config.pipeline import PipelineConfig, RunConfig
from cai.config.roles import ImportedConfig
from cai.config.stages import GenerateConfig
from cai.constitution.importers.naming import name_of
from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution
from cai.data.counts import RunCounts, count_run
from cai.data.export import export_datasets
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.rows import ImportedRow, check_trajectories, read_trajectories
from cai.data.imported.steps import RowSteps, steps_of
from cai.data.splits import split_of
from cai.data.tables import Provenance
from cai.errors import TrajectoryError, UsageError
from cai.records import Outcome, content_hash
from cai.store.atomic import write_text
from cai.store.fingerprint import file_sha256
from cai.store.journal import Journal
from cai.store.reader import StepKey
from cai.store.run_dir import ResumeMode, RunDir

META = "import"
"""Where the journal keeps that its records were imported, and from what."""
CONSTITUTION = "constitution.yaml"
"""The constitution in a run directory that was made of what the rows name."""
_NAMED_MODELS = 3


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What was imported.

    `written` records are new or other than before. `unknown_principles` are those that the given constitution does not
    have, or all if none was given. Flaws count rounds, by the name of the check.
    """

    run_dir: str
    counts: RunCounts
    written: int
    rounds: int
    models: dict[str, int]
    constitution: str
    constitution_made: bool
    unknown_principles: tuple[str, ...]
    critique_flaws: dict[str, int]
    revision_flaws: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class _Survey(NamedTuple):
    """What the first reading of the file found: the most rounds of a row, and how many rows are of each model."""

    rounds: int
    criticised: bool
    models: dict[str, int]
    ids: PrincipleIds


class _Rules(NamedTuple):
    """The constitution, where it is, and its text if it has yet to be written there."""

    constitution: Constitution
    path: str
    text: str | None


def import_run(
    path: Path, out: Path, constitution: str | None = None, resume: ResumeMode = "if_possible"
) -> ImportSummary:
    """Read trajectories into a run directory, and export its datasets.

    Args:
        path: JSON lines; `cai.data.imported.rows` says what is in one.
        out: The run directory.
        constitution: File that the principles are of; without one, a constitution is made of what the rows name.
        resume: As of `RunDir.open`. Records that are there already, and are the same, are not written again.

    Raises:
        TrajectoryError: The file or rows of it are not usable; nothing was written then.
        UsageError: `out` does not fit `resume`, or holds a run that was not imported.
        ConstitutionError: The constitution is not valid.
        StorageError: A file cannot be read or written.
    """
    given = load_constitution(constitution) if constitution is not None else None
    survey = _surveyed(path, PrincipleIds(given))
    if given is None and not survey.ids.unknown:
        fix = "name the constitution with --constitution"
        raise TrajectoryError("no row has a round, so none names a principle", where=str(path), fix=fix)
    run = RunDir.open(out, resume)
    _check_was_imported(run)
    if given is not None and constitution is not None:
        rules = _Rules(given, constitution, None)
    else:
        made = survey.ids.constitution(name_of(path.name.split(".")[0]) or "imported", path.name)
        rules = _Rules(made[0], str(run.path / CONSTITUTION), made[1])
    return asyncio.run(_written(path, run, survey, rules))


def _surveyed(path: Path, ids: PrincipleIds) -> _Survey:
    most, criticised = 0, False
    models: Counter[str] = Counter()
    for row in check_trajectories(path):
        most = max(most, len(row.rounds))
        models[row.model] += 1
        for round_ in row.rounds:
            ids.of(round_)
            criticised = criticised or round_.critique is not None
    return _Survey(most, criticised, dict(models), ids)


def _check_was_imported(run: RunDir) -> None:
    """A generated run must not become an imported one by a wrong path."""
    if not run.is_run:
        return
    with Journal.read_only(run.journal_path) as journal:
        if journal.latest_session() is not None and journal.meta(META) is None:
            raise UsageError(
                "this run was generated, not imported", where=str(run.path), fix="choose another run directory"
            )


async def _written(path: Path, run: RunDir, survey: _Survey, rules: _Rules) -> ImportSummary:
    """One session: all records, then the export."""
    model = _model(survey.models)
    config = _config(path, rules.path, model, survey)
    settings = config.pipeline.generate
    plan = content_hash(META, rules.constitution.fingerprint, survey.ids.unknown, settings.revision.checks)
    origin = {"file": path.name, "sha256": file_sha256(path)}
    with Journal.open(run.journal_path) as journal:
        if rules.text is not None:
            write_text(run.path / CONSTITUTION, rules.text)
        run.write_config(config.model_dump(mode="json"))
        await journal.set_meta(META, origin)
        records = _Records(journal, settings, survey.ids, await journal.begin_session(plan), plan)
        for row in read_trajectories(path):
            await records.add(row)
        await journal.flush()
        provenance = Provenance(rules.constitution.name, rules.constitution.version, model)
        rows = export_datasets(journal, run, settings, provenance)
        counts = count_run(journal, records.session, rows)
        fingerprints = {"plan": plan, "constitution": rules.constitution.fingerprint, "trajectories": origin["sha256"]}
        run.write_manifest(fingerprints, asdict(counts))
        await journal.end_session()
    return ImportSummary(
        run_dir=str(run.path),
        counts=counts,
        written=records.written,
        rounds=records.rounds,
        models=dict(sorted(survey.models.items())),
        constitution=rules.path,
        constitution_made=rules.text is not None,
        unknown_principles=survey.ids.unknown,
        critique_flaws=dict(records.critique_flaws),
        revision_flaws=dict(records.revision_flaws),
    )


class _Records:
    """Puts rows into the journal, and counts what it put."""

    def __init__(self, journal: Journal, settings: GenerateConfig, ids: PrincipleIds, session: int, plan: str) -> None:
        self.session = session
        self.written = 0
        self.rounds = 0
        self.critique_flaws: Counter[str] = Counter()
        self.revision_flaws: Counter[str] = Counter()
        self._journal = journal
        self._settings = settings
        self._ids = ids
        self._plan = plan

    async def add(self, row: ImportedRow) -> None:
        """One row; the same prompt again is a duplicate, of which only the place is kept."""
        prompt = row.prompt
        split = split_of(prompt.id, self._settings.split, self._settings.seed)
        if not await self._journal.add_prompt(prompt, split, self.session):
            await self._journal.add_duplicate(prompt.source, prompt.id)
            return
        found = steps_of(row, self._ids, self._settings.revision.checks)
        self.rounds += len(row.rounds)
        self.critique_flaws.update(found.critique_flaws)
        self.revision_flaws.update(found.revision_flaws)
        await self._keep(prompt.id, found)

    async def _keep(self, record_id: str, found: RowSteps) -> None:
        before = self._journal.steps(record_id)
        new = [
            step
            for step in found.steps
            if (known := before.get(StepKey(step.stage, step.round, step.attempt))) is None or known.asked != step.asked
        ]
        for step in new:
            await self._journal.add_step(step)
        self.written += bool(new)
        await self._journal.finish(Outcome(record_id, "trajectory", None, self._plan))


def _model(models: dict[str, int]) -> str:
    """One name for the cards: of several models the commonest, and how many others there are."""
    names = sorted(models, key=lambda name: (-models[name], name))
    left = len(names) - _NAMED_MODELS
    return ", ".join(names[:_NAMED_MODELS]) + (f" and {left} more" if left > 0 else "")


def _config(path: Path, constitution: str, model: str, survey: _Survey) -> RunConfig:
    """The settings under which our own pipeline would have made the like."""
    critique: CritiqueConfig = SingleTurnConfig() if survey.criticised or not survey.rounds else DirectConfig()
    comparison = ComparisonConfig() if survey.rounds else ComparisonConfig(source="sampled")
    generate = GenerateConfig(
        critique=critique, comparison=comparison, revision=RevisionConfig(retries=0), rounds=survey.rounds
    )
    pipeline = PipelineConfig(
        name="import-run",
        description=f"Imported from {path.name}; nothing was generated here.",
        constitution=constitution,
        prompts=str(path),
        engines={"default": ImportedConfig(model=model)},
        generate=generate,
    )
    return RunConfig(pipeline=pipeline, constitution=constitution, prompts=str(path))
