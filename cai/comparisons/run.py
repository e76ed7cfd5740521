"""Labels a file of comparisons. It is streamed twice: to ask what is owed, and to write what is known, in order."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cai.comparisons.given import Given
from cai.comparisons.ledger import LabelLedger
from cai.comparisons.plan import Asked, LabelPlan, plan_of
from cai.comparisons.read import BadRow, count, read
from cai.comparisons.rows import failed_row, label_row, preference_row
from cai.comparisons.started import LabelerEngines
from cai.comparisons.stats import LabelingStats
from cai.comparisons.tally import Tally
from cai.config.labeling import LabelingConfig
from cai.engines.bounded import run_bounded
from cai.errors import RequestError, TemplateError
from cai.labeling.engine_judge import EngineJudge
from cai.records import Label
from cai.store.atomic import make_folder, replacing, write_text

ROW_ERRORS = (RequestError, TemplateError)
"""What can be wrong with one comparison alone."""
EQUAL = "equal answers"
LABELS, PREFERENCES, FIGURES = "labels.jsonl", "preferences.jsonl", "label.json"


@dataclass
class _Work:
    """One command's labelling of a file."""

    config: LabelingConfig
    plan: LabelPlan
    ledger: LabelLedger
    stats: LabelingStats
    engines: LabelerEngines
    asked: set[str] = field(default_factory=set)
    """Hashes of what was asked in this session: a comparison that the file holds twice is asked once."""
    failures: dict[str, str] = field(default_factory=dict)
    """Reasons by the same hashes."""

    @property
    def path(self) -> Path:
        return Path(self.config.comparisons)

    def rows(self) -> Iterator[Given | BadRow]:
        """The file's rows, from its beginning."""
        return read(self.path, self.config.limit)

    async def one(self, row: Given | BadRow) -> None:
        """See to it that a row has its label, or a reason why not."""
        try:
            if isinstance(row, Given) and row.comparison.response_a != row.comparison.response_b:
                await self._asked(row)
        except ROW_ERRORS:
            # Found again, with its words, when the rows are written.
            self.stats.failed += 1
        self.stats.done += 1

    async def _asked(self, given: Given) -> None:
        asked = self.plan.asked(given.comparison)
        if asked.hash in self.asked:
            return
        self.asked.add(asked.hash)
        if self.ledger.known(given.comparison.id, asked.hash) is not None:
            self.stats.known += 1
            return
        try:
            await self._label(given, asked)
        except ROW_ERRORS as error:
            self.failures[asked.hash] = error.what
            self.stats.failed += 1

    async def _label(self, given: Given, asked: Asked) -> None:
        comparison = given.comparison
        judge = EngineJudge(
            f"{comparison.prompt.id}/label/{comparison.id}", self.plan.seed, self.plan.roles, await self.engines.all()
        )
        label = await self.plan.method.label(comparison, asked.principles, judge)
        self.stats.usage += judge.usage
        await self.ledger.keep(label, asked.hash, judge.usage)

    def label_of(self, row: Given | BadRow) -> Label | str:
        """The label of a row, or why it has none."""
        if isinstance(row, BadRow):
            return row.error.what
        if row.comparison.response_a == row.comparison.response_b:
            return EQUAL
        try:
            asked = self.plan.asked(row.comparison)
        except ROW_ERRORS as error:
            return error.what
        found = self.ledger.known(row.comparison.id, asked.hash)
        return self.failures.get(asked.hash, "not asked") if found is None else found


async def label_file(config: LabelingConfig, out: Path, stats: LabelingStats) -> dict[str, Any]:
    """Label every comparison of a file.

    If it is cancelled, all labels so far are kept, and the same command goes on from there.

    Args:
        config: The resolved settings.
        out: Folder of the labels; made if it is absent.
        stats: Counters, kept up to date for whoever watches.

    Returns:
        The figures, as label.json holds them; see `Tally.figures`.

    Raises:
        PromptSourceError: The file cannot be read, or holds no comparison.
        CaiError: Whatever else ended it before its time, with its exit code.
    """
    plan = plan_of(config)
    stats.total = count(Path(config.comparisons), config.limit)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(LabelLedger(out))
        logs = out / "logs"
        make_folder(logs)
        write_text(out / "config.json", config.model_dump_json(indent=2) + "\n")
        engines = await stack.enter_async_context(LabelerEngines(plan.engines, plan.roles, logs))
        work = _Work(config, plan, ledger, stats, engines)
        stats.enter("labelling")
        try:
            await run_bounded(work.rows(), work.one, config.pipeline.generate.max_in_flight)
        finally:
            await ledger.flush()
        stats.enter("writing the labels")
        return _written(work, out)


def _written(work: _Work, out: Path) -> dict[str, Any]:
    tally = Tally()
    with ExitStack() as stack:
        labels, preferences = (_lines(stack, out / name) for name in (LABELS, PREFERENCES))
        for row in work.rows():
            found = work.label_of(row)
            if isinstance(row, BadRow) or isinstance(found, str):
                reason = str(found)
                tally.failed[reason] += 1
                _put(labels, failed_row(row.number, reason))
                continue
            tally.add(row.comparison, found, row.right)
            _put(labels, label_row(row, found))
            preference = preference_row(row, found, work.plan.origin)
            if preference is not None:
                _put(preferences, preference)
    labels_config = work.config.pipeline.generate.labels
    figures = {
        "comparisons": work.config.comparisons,
        "method": labels_config.kind,
        "principles": labels_config.principles,
        "labelers": {role: work.plan.engines[settings.engine].model for role, settings in work.plan.roles.items()},
        "out": str(out),
        **tally.figures(),
    }
    write_text(out / FIGURES, json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    return figures


def _lines(stack: ExitStack, path: Path) -> IO[str]:
    """A file of JSON lines that takes its place when the stack is left in good order."""
    return stack.enter_context(stack.enter_context(replacing(path)).open("w", encoding="utf-8", errors="replace"))


def _put(lines: IO[str], row: Mapping[str, Any]) -> None:
    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
