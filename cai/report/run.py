"""What a run directory of `cai generate` holds: settings, counts, figures, and the records to be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from cai.config.pipeline import RunConfig
from cai.constitution.load import load_constitution
from cai.data.counts import ROW_COUNTS, RunCounts, count_run
from cai.data.finished import finished_records
from cai.errors import CaiError, StorageError
from cai.report.files import read_object
from cai.report.oracle import Oracle, OracleFigures
from cai.report.stories import Story, story
from cai.report.tally import RunTally
from cai.report.trajectories import CHOSEN, Choice
from cai.resources import find
from cai.store.journal import Journal
from cai.store.reader import JournalReader, Session
from cai.store.run_dir import RunDir

SANDBOX_MODEL = "cai-sandbox"


@dataclass(frozen=True, slots=True)
class Rules:
    """The constitution of a run: its name and version as the datasets say, and its statements if they still stand."""

    path: str
    name: str | None
    version: str | None
    statements: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """One run, read. `session` is None, and all counts 0, if nothing was begun."""

    name: str
    path: Path
    config: RunConfig
    session: Session | None
    versions: Mapping[str, str]
    rules: Rules
    counts: RunCounts
    tally: RunTally
    oracle: OracleFigures | None
    stories: tuple[Story, ...]

    @property
    def against_draft(self) -> bool:
        """Whether drafts were compared with last revisions; else two samples were compared."""
        return self.config.pipeline.generate.comparison.source == "draft_vs_revision"

    @property
    def is_sandbox(self) -> bool:
        """Whether the answers are of the embedded sandbox, which every page must say."""
        generator = self.config.pipeline.engines[self.config.pipeline.roles.generator.engine]
        return generator.model == SANDBOX_MODEL or self.oracle is not None


def read_run(path: Path, oracle: Oracle, name: str | None = None) -> Run:
    """Read a run directory, of which the run may still work.

    Args:
        path: The run directory.
        oracle: Asked once about the run.
        name: What the page calls it; by default the name of its folder.

    Raises:
        UsageError: There is no run at `path`.
        StorageError: The journal or a file cannot be read.
    """
    place = RunDir.existing(path)
    config = _config(place)
    manifest = read_object(place.manifest_path, "cai generate") if place.manifest_path.is_file() else {}
    rules = _rules(place, config, manifest.get("fingerprints") or {})
    told = oracle(path)
    with Journal.read_only(place.journal_path) as journal:
        session = journal.latest_session()
        number = session.number if session else 0
        tally, choice = _streamed(journal, number, config, told)
        counts = _with_rows(count_run(journal, number, None), manifest.get("counts") or {})
    settings = config.pipeline.generate
    return Run(
        name=name or path.resolve().name,
        path=path,
        config=config,
        session=session,
        versions=manifest.get("versions") or {},
        rules=rules,
        counts=counts,
        tally=tally,
        oracle=told,
        stories=tuple(story(record, kind, settings, rules.statements) for kind, record in choice.chosen()),
    )


def _streamed(
    journal: JournalReader, session: int, config: RunConfig, told: OracleFigures | None
) -> tuple[RunTally, Choice]:
    settings = config.pipeline.generate
    tally = RunTally(settings)
    choice = Choice(settings, told.harmful_at_the_end if told else (), told.spoilt if told else ())
    for record in finished_records(journal, session):
        tally.add(record)
        choice.add(record)
    for record_id in journal.record_ids(session, status="failed", limit=CHOSEN):
        failed = journal.record(record_id)
        if failed:
            choice.add_failed(failed)
    return tally, choice


def _config(place: RunDir) -> RunConfig:
    row = read_object(place.config_path, "cai generate")
    try:
        return RunConfig.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise StorageError(
            f"this configuration is not one that this program writes: {at}: {first['msg']}",
            where=str(place.config_path),
            fix="use the version of cai that made the run, or resume the run with this one",
        ) from None


def _with_rows(counts: RunCounts, written: Mapping[str, object]) -> RunCounts:
    """How many rows there are is known when they are written."""
    rows: dict[str, Any] = {name: written[name] for name in ROW_COUNTS if isinstance(written.get(name), int | dict)}
    return replace(counts, **rows)


def _rules(place: RunDir, config: RunConfig, fingerprints: Mapping[str, str]) -> Rules:
    name, version = _named_in_rows(place)
    try:
        constitution = load_constitution(find(config.constitution, "constitution"))
    except (CaiError, OSError):
        # The run is what is reported; the file may have gone since.
        return Rules(config.constitution, name, version, {})
    if constitution.fingerprint != fingerprints.get("constitution"):
        return Rules(config.constitution, name, version, {})
    statements = {principle.id: principle.statement for principle in constitution.principles}
    return Rules(config.constitution, name or constitution.name, version or constitution.version, statements)


def _named_in_rows(place: RunDir) -> tuple[str | None, str | None]:
    """The constitution's name and version from the first row of a dataset that has one."""
    columns = ["constitution", "constitution_version"]
    for shard in sorted(place.datasets.rglob("*.parquet")):
        try:
            batch = next(pq.ParquetFile(shard).iter_batches(1, columns=columns), None)
        except (OSError, ValueError):
            # A shard that is being replaced or is damaged: `cai status` and the manifest tell of that.
            continue
        if batch is not None and batch.num_rows:
            row = batch.to_pylist()[0]
            return str(row["constitution"]), str(row["constitution_version"])
    return None, None
