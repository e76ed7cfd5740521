"""Folders that hold AI labels, as feedback sees them: runs of `cai generate`, and the output of `cai label`."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from cai.comparisons.given import Given
from cai.comparisons.read import read
from cai.config.stages import SplitConfig
from cai.data.finished import finished_records, labels_of, rounds_of
from cai.data.groups import PromptGroups
from cai.data.splits import split_of_group
from cai.data.tables import PREFERENCE_SCHEMA
from cai.errors import PromptSourceError, StorageError
from cai.feedback.compared import Compared, View
from cai.records import Label, Prompt, Split
from cai.store.atomic import reporting
from cai.store.journal import Journal
from cai.store.json_file import read_object
from cai.store.reader import JournalReader, JournalRecord, Session
from cai.store.run_dir import RunDir

LABELS, PREFERENCES = "labels.jsonl", "preferences.jsonl"
"""What `cai label` writes."""
_FIX = "use the version of cai that made the run, or resume the run with this one"
_LABEL_AGAIN = "run the same `cai label` again: what is labelled is not asked again"
_BATCH_ROWS = 256


def open_view(path: Path) -> View:
    """Open a run directory, or the output folder of `cai label`.

    Raises:
        UsageError: There is neither at `path`.
        StorageError: It cannot be read.
    """
    if not (path / "journal.db").is_file() and (path / LABELS).is_file():
        return LabelView.open(path)
    return RunView.open(path)


@dataclass(frozen=True)
class RunView:
    """A run of `cai generate`."""

    place: RunDir
    journal: JournalReader
    split: SplitConfig
    seed: int

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run; close it when done.

        Raises:
            UsageError: There is no run at `path`.
            StorageError: The journal or the configuration cannot be read.
        """
        place = RunDir.existing(path)
        split, seed = _settings(place)
        return cls(place, Journal.read_only(place.journal_path), split, seed)

    def close(self) -> None:
        self.journal.close()

    def comparisons(self) -> Iterator[Compared]:
        session = self.journal.latest_session()
        for record in finished_records(self.journal, session.number if session else 0):
            yield from _compared(record)

    def preferences(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for file in sorted(self.place.preferences.glob("*.parquet")):
            split = "eval" if file.name.startswith("eval-") else "train"
            try:
                with pq.ParquetFile(file) as table:
                    known = [name for name in table.schema_arrow.names if name in PREFERENCE_SCHEMA.names]
                    for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=known):
                        yield from ((split, row) for row in batch.to_pylist())
            except pa.ArrowException as error:
                what = f"not readable as Parquet: {str(error).splitlines()[0]}"
                raise StorageError(what, where=str(file), fix="resume the run: it writes the datasets anew") from None

    def splits(self, own: Iterable[Prompt]) -> dict[str, Split]:
        session = self.journal.latest_session()
        ids: list[str] = []
        with PromptGroups(self.split.near_duplicates, None) as groups:
            every = chain((record.prompt for record in self._records(session)), _noted(own, ids))
            groups.survey(every)
            # Without near-duplicates nothing was read.
            deque(every, maxlen=0)
            of_groups: dict[str, Split] = {}
            for record in self._records(session):
                leader = groups.place(record.prompt.id).leader
                # Of a group that only these prompts make one of several, what is held out decides.
                if record.split == "eval" or leader not in of_groups:
                    of_groups[leader] = record.split
            found: dict[str, Split] = {}
            for prompt_id in ids:
                place = groups.place(prompt_id)
                known = self.journal.split(prompt_id) or of_groups.get(place.leader)
                found[prompt_id] = known or split_of_group(place, groups.prompts, self.split, self.seed)
        return found

    def _records(self, session: Session | None) -> Iterator[JournalRecord]:
        return self.journal.records(session.number) if session else iter(())


def _noted(prompts: Iterable[Prompt], ids: list[str]) -> Iterator[Prompt]:
    for prompt in prompts:
        ids.append(prompt.id)
        yield prompt


@dataclass(frozen=True)
class LabelView:
    """The output of `cai label`, with the file of comparisons that it labelled. It holds nothing out for evaluation."""

    place: RunDir
    file: Path
    limit: int | None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the folder; close it when done.

        Raises:
            StorageError: Its configuration cannot be read.
        """
        place = RunDir(path)
        row = read_object(place.config_path, _LABEL_AGAIN)
        if not isinstance(row.get("comparisons"), str):
            what = "this configuration does not name the file of comparisons"
            raise StorageError(what, where=str(place.config_path), fix=_LABEL_AGAIN)
        return cls(place, Path(row["comparisons"]), row.get("limit"))

    def close(self) -> None:
        """Nothing is kept open."""

    def comparisons(self) -> Iterator[Compared]:
        labels = self._rows(LABELS)
        seen = set()
        try:
            for given, row in zip(read(self.file, self.limit), labels, strict=False):
                if not isinstance(given, Given) or row.get("comparison_id") != given.comparison.id:
                    # A row that failed, or a file that is not the one that was labelled any more.
                    continue
                one = given.comparison
                if one.id not in seen:
                    seen.add(one.id)
                    label = Label.from_dict({k: v for k, v in row.items() if k not in ("row", "right", "preferred")})
                    yield Compared(one.prompt, "train", one.response_a, one.response_b, one.source, label)
        except PromptSourceError as error:
            raise StorageError(error.what, where=error.where, fix=error.fix) from None

    def preferences(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for row in self._rows(PREFERENCES):
            yield "train", {name: row.get(name) for name in PREFERENCE_SCHEMA.names}

    def splits(self, own: Iterable[Prompt]) -> dict[str, Split]:
        return {prompt.id: "train" for prompt in own}

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.place.path / name
        with reporting(path), path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                if not isinstance(row, dict):
                    raise StorageError("not readable as JSON", where=f"{path}:{number}", fix=_LABEL_AGAIN)
                yield row


def _compared(record: JournalRecord) -> Iterator[Compared]:
    labels = labels_of(record)
    worst = (
        max((found.verdict.severity for found in rounds_of(record) if found.verdict), default=None) if labels else None
    )
    for body, label in labels:
        yield Compared(
            record.prompt, record.split, body["response_a"], body["response_b"], body["source"], label, worst
        )


def _settings(place: RunDir) -> tuple[SplitConfig, int]:
    """How the run draws splits; the rest of its settings may be of another version."""
    row: Any = read_object(place.config_path, _FIX)
    try:
        generate = row["pipeline"]["generate"]
        return SplitConfig.model_validate(generate.get("split", {})), int(generate.get("seed", 0))
    except (KeyError, TypeError, AttributeError, ValueError, ValidationError):
        what = "this configuration does not say how the run draws its splits"
        raise StorageError(what, where=str(place.config_path), fix=_FIX) from None
