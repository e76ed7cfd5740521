"""One session that writes checked trajectories into a run directory: journal, datasets, manifest.

A session over a run that is there brings it up to date: records that are the same are not written again, and those that
are gone from the file no longer count.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from cai.config.pipeline import RunConfig
from cai.constitution.schema import Constitution
from cai.data.counts import RunCounts, count_run
from cai.data.export import export_datasets
from cai.data.finished import answers_of, finished_records, rounds_of
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.progress import ImportProgress
from cai.data.imported.rows import ImportedRow, read_trajectories
from cai.data.imported.steps import RowSteps, steps_of
from cai.data.intake import Intake
from cai.data.tables import Provenance
from cai.records import Outcome, content_hash
from cai.store.atomic import replacing, write_text
from cai.store.fingerprint import file_sha256
from cai.store.journal import Journal
from cai.store.reader import JournalReader, StepKey
from cai.store.run_dir import RunDir

IMPORTED = "import"
"""Where the journal keeps that its records were imported, and from what."""
COMPARISONS = "comparisons.jsonl"
"""Draft against last revision, in the form that `cai label` reads."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What was imported.

    `written` records are new or other than before. `unknown_principles` are those that the given constitution does not
    have, or all if none was given. Flaws count rounds, by the name of the check. `comparisons` is the file of drafts
    and last revisions, with `compared` rows.
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
    comparisons: str
    compared: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Material(NamedTuple):
    """What is written: a file that was checked, the settings, and the constitution.

    `text` is the constitution's YAML if it has yet to be written to where the settings say it is.
    """

    path: Path
    config: RunConfig
    constitution: Constitution
    text: str | None
    ids: PrincipleIds
    models: dict[str, int]


async def write_run(material: Material, run: RunDir, progress: ImportProgress) -> ImportSummary:
    """All records, then the export.

    Raises:
        TrajectoryError: The file has changed since it was checked, and a row is not usable.
        StorageError: A file cannot be read or written.
    """
    path, config, rules = material.path, material.config, material.constitution
    settings = config.pipeline.generate
    plan = content_hash(IMPORTED, rules.fingerprint, material.ids.unknown, settings.revision.checks)
    origin = {"file": path.name, "sha256": file_sha256(path)}
    progress.begin("comparing the prompts")
    with Intake(settings) as intake, Journal.open(run.journal_path) as journal:
        intake.survey(intake.prompts(row.prompt for row in read_trajectories(path)))
        if material.text is not None:
            write_text(Path(config.constitution), material.text)
            origin["constitution_sha256"] = file_sha256(Path(config.constitution))
        run.write_config(config.model_dump(mode="json"))
        await journal.set_meta(IMPORTED, origin)
        records = _Records(material, intake, journal, plan)
        await records.begin()
        progress.begin("writing the records")
        for row in _masked(path, intake):
            await records.add(row)
            progress.done += 1
        progress.begin("writing the datasets")
        await journal.flush()
        provenance = Provenance(rules.name, rules.version, config.pipeline.engines["default"].model)
        requests = [text for p in rules.principles for text in (p.critique_request, p.revision_request)]
        rows = export_datasets(journal, run, settings, provenance, requests=requests)
        compared = _write_comparisons(
            journal, records.session, run.path / COMPARISONS, flawed=not settings.filters.rows.flawed
        )
        counts = count_run(journal, records.session, rows)
        fingerprints = {"plan": plan, "constitution": rules.fingerprint, "trajectories": origin["sha256"]}
        run.write_manifest(fingerprints, asdict(counts))
        await journal.end_session()
    return ImportSummary(
        run_dir=str(run.path),
        counts=counts,
        written=records.written,
        rounds=records.rounds,
        models=dict(sorted(material.models.items())),
        constitution=config.constitution,
        constitution_made=material.text is not None,
        unknown_principles=material.ids.unknown,
        critique_flaws=dict(records.critique_flaws),
        revision_flaws=dict(records.revision_flaws),
        comparisons=str(run.path / COMPARISONS),
        compared=compared,
    )


class _Records:
    """Puts rows into the journal, and counts what it put."""

    def __init__(self, material: Material, intake: Intake, journal: Journal, plan: str) -> None:
        self.session = 0
        self.written = 0
        self.rounds = 0
        self.critique_flaws: Counter[str] = Counter()
        self.revision_flaws: Counter[str] = Counter()
        self._ids = material.ids
        self._checks = material.config.pipeline.generate.revision.checks
        self._intake = intake
        self._journal = journal
        self._plan = plan

    async def begin(self) -> None:
        """Note the session in the journal."""
        self.session = await self._journal.begin_session(self._plan)

    async def add(self, row: ImportedRow) -> None:
        """One row; the same prompt again is a duplicate, of which only the place is kept."""
        prompt = row.prompt
        if not await self._journal.add_prompt(prompt, self._intake.split(prompt), self.session):
            await self._journal.add_duplicate(prompt.source, prompt.id)
            return
        if reason := self._intake.reason(prompt):
            await self._journal.finish(Outcome(prompt.id, "filtered", reason, self._plan))
            return
        found = steps_of(row, self._ids, self._checks)
        self.rounds += len(row.rounds)
        self.critique_flaws.update(found.critique_flaws)
        self.revision_flaws.update(found.revision_flaws)
        await self._keep(prompt.id, found)

    async def _keep(self, record_id: str, found: RowSteps) -> None:
        known = self._journal.steps(record_id)
        before = {key: step.asked for key, step in known.items()}
        new = [s for s in found.steps if before.get(StepKey(s.stage, s.round, s.attempt)) != s.asked]
        for step in new:
            await self._journal.add_step(step)
        self.written += bool(new)
        await self._journal.finish(Outcome(record_id, "trajectory", None, self._plan))


def _masked(path: Path, intake: Intake) -> Iterator[ImportedRow]:
    """The rows with their prompts as they are kept."""
    for row in read_trajectories(path):
        for prompt in intake.prompts([row.prompt]):
            yield replace(row, prompt=prompt)


def _write_comparisons(journal: JournalReader, session: int, path: Path, *, flawed: bool) -> int:
    """Draft and last revision of each record where they differ, and which are `flawed` only if wanted; counts them."""
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in finished_records(journal, session):
            prompt, first = record.prompt, answers_of(record)[0]
            last = next((found for found in reversed(rounds_of(record)) if found.revision is not None), None)
            if last is None or last.answer == first or (last.flaw and not flawed):
                continue
            row = {
                "prompt": [turn.to_dict() for turn in prompt.messages],
                "response_a": first,
                "response_b": last.answer,
                "hazard": prompt.hazard,
                "tags": list(prompt.tags),
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count
