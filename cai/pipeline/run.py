"""One session of a run, from its plan to the finished run directory."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from cai.config.pipeline import RunConfig
from cai.data.counts import count_run
from cai.data.export import DatasetCounts, export_datasets
from cai.data.imported.session import IMPORTED
from cai.data.intake import Intake
from cai.data.mixture import mix
from cai.data.tables import Provenance
from cai.engines.base import Engine
from cai.engines.bounded import run_bounded
from cai.errors import UsageError
from cai.pipeline.conversation import RECORD_ERRORS, converse
from cai.pipeline.engines import started_engines
from cai.pipeline.owed import Owed, count_owed
from cai.pipeline.plan import Plan, build_plan
from cai.pipeline.stats import RunStats
from cai.pipeline.steps import Crew, RecordSteps
from cai.pipeline.summary import EngineStats, RunSummary, label_stats
from cai.records import Outcome, Prompt, content_hash
from cai.store.journal import Journal
from cai.store.run_dir import RunDir


class Session:
    """The work of one session: which records are owed, and what becomes of each."""

    def __init__(
        self, plan: Plan, intake: Intake, engines: Mapping[str, Engine], journal: Journal, stats: RunStats
    ) -> None:
        self.plan = plan
        self.intake = intake
        self.journal = journal
        self.stats = stats
        self.crew = Crew(plan.config.pipeline.all_roles, engines)
        self.fingerprint = plan.fingerprint(engines)
        self.number = 0

    async def begin(self) -> None:
        """Note the session in the journal."""
        self.number = await self.journal.begin_session(self.fingerprint)

    async def record(self, prompt: Prompt) -> None:
        """Bring one prompt to its outcome, unless an earlier session did."""
        split = self.intake.split(prompt)
        # A source that has grown may bring a prompt into another split, which may want a label.
        moved = self.journal.split(prompt.id) not in (None, split)
        if not await self.journal.add_prompt(prompt, split, self.number):
            await self.journal.add_duplicate(prompt.source, prompt.id)
            self.stats.duplicates += 1
            return
        before = self.journal.outcome(prompt.id)
        if reason := self.intake.reason(prompt):
            await self.journal.finish(Outcome(prompt.id, "filtered", reason, self.fingerprint))
            self.stats.filtered += 1
            return
        if before and before.plan == self.fingerprint and before.status == "trajectory" and not moved:
            self.stats.skipped += 1
            return
        known = self.journal.steps(prompt.id)
        steps = RecordSteps(prompt.id, self.plan.generate.seed, self.crew, known, self.journal, self.stats)
        self.stats.in_flight += 1
        try:
            await converse(self.plan, prompt, split, steps)
        except RECORD_ERRORS as error:
            await self.journal.finish(Outcome(prompt.id, "failed", error.what, self.fingerprint))
            self.stats.failed += 1
        else:
            await self.journal.finish(Outcome(prompt.id, "trajectory", None, self.fingerprint))
            self.stats.finished += 1
        finally:
            self.stats.in_flight -= 1


def _stoppable(prompts: Iterable[Prompt]) -> Iterator[Prompt]:
    """The same prompts, until the task is cancelled: going through them never waits, so nothing else would tell it."""
    task = asyncio.current_task()
    for prompt in prompts:
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        yield prompt


def _unheard(owed: Owed) -> None:
    """Whoever does not ask is not told."""


async def generate(
    config: RunConfig, run: RunDir, stats: RunStats, announce: Callable[[Owed], None] = _unheard
) -> RunSummary:
    """Run one session: everything that is owed, then the export.

    If it is cancelled, all finished steps are kept and the next session goes on from there.

    Args:
        config: The resolved configuration.
        run: An opened run directory.
        stats: Counters, kept up to date for whoever watches.
        announce: Told what is owed, before anything is asked, where an earlier session left something.

    Raises:
        CaiError: Whatever ended the run before its time, with its exit code; what was finished is kept.
    """
    plan = build_plan(config)
    prompts = mix(config.prompts, plan.generate.seed, config.limit)
    stats.total = min(prompts.count, config.limit or 2**62)
    with Intake(plan.generate) as intake, Journal.open(run.journal_path) as journal:
        if journal.meta(IMPORTED) is not None:
            raise UsageError(
                "this run was imported, not generated", where=str(run.path), fix="choose another run directory"
            )
        stats.phase = "comparing the prompts"
        intake.survey(_stoppable(intake.prompts(islice(prompts, config.limit))))
        stats.phase = "starting the engine"
        run.write_config(config.model_dump(mode="json"))
        async with started_engines(config.pipeline, run.logs) as engines:
            session = Session(plan, intake, engines, journal, stats)
            model = engines[config.pipeline.roles.generator.engine].model
            if journal.latest_session() is not None:
                stats.phase = "looking for what is owed"
                again = _stoppable(intake.prompts(islice(prompts, config.limit)))
                announce(await count_owed(plan, intake, session.crew, session.fingerprint, journal, again))
            await session.begin()
            stats.begin_work()
            try:
                owed = intake.prompts(islice(prompts, config.limit))
                await run_bounded(owed, session.record, plan.generate.max_in_flight)
            finally:
                stats.end_work("keeping what is finished")
                await asyncio.shield(journal.flush())
            stats.phase = "writing the datasets"
        origin = Provenance(plan.constitution.name, plan.constitution.version, model)
        rows = export_datasets(journal, run, plan.generate, origin, requests=plan.requests)
        summary = _summary(plan, run, journal, session, rows)
        run.write_manifest(_fingerprints(plan, engines, session), summary.to_dict()["counts"])
        await journal.end_session()
        stats.phase = "done"
        return summary


def _summary(plan: Plan, run: RunDir, journal: Journal, session: Session, rows: DatasetCounts) -> RunSummary:
    labels, by_hazard = label_stats(journal, session.number)
    return RunSummary(
        run_dir=str(run.path),
        counts=count_run(journal, session.number, rows),
        by_hazard={hazard: dict(counts) for hazard, counts in sorted(by_hazard.items())},
        steps=dict(session.stats.steps),
        reused_steps=sum(session.stats.reused.values()),
        labels=labels,
        engine=EngineStats.of(session.stats),
    )


def _fingerprints(plan: Plan, engines: Mapping[str, Engine], session: Session) -> dict[str, str]:
    return {
        "plan": session.fingerprint,
        "config": content_hash(plan.config.model_dump(mode="json")),
        "constitution": plan.constitution.fingerprint,
        "templates": content_hash(*plan.craft.fingerprint_parts()),
        **{f"engine.{key}": engine.fingerprint for key, engine in engines.items()},
    }
