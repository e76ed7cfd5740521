"""The comparisons of a run with their AI labels, as a stream, and the few settings of the run that feedback needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from cai.config.stages import SplitConfig
from cai.data.finished import finished_records, labels_of, rounds_of
from cai.data.splits import split_of
from cai.errors import StorageError
from cai.feedback.content import Content, content_of
from cai.records import Comparison, Label, Prompt, Split
from cai.store.journal import Journal
from cai.store.json_file import read_object
from cai.store.reader import JournalReader, JournalRecord
from cai.store.run_dir import RunDir

_FIX = "use the version of cai that made the run, or resume the run with this one"


@dataclass(frozen=True)
class Compared:
    """Two answers that an AI compared; `severity` is the worst verdict of the record's critics, if they gave any."""

    prompt: Prompt
    split: Split
    response_a: str
    response_b: str
    source: str
    label: Label
    severity: int | None = None

    @property
    def id(self) -> str:
        """The id of the comparison in the order of the run."""
        return self.label.comparison_id

    @cached_property
    def swapped_id(self) -> str:
        """The id of the same answers the other way round; a file for review shows half of the pairs so."""
        return Comparison(self.prompt, self.response_b, self.response_a, "imported").id

    @cached_property
    def content(self) -> Content:
        """What is compared."""
        return content_of(self.prompt.messages, self.response_a, self.response_b)


@dataclass(frozen=True)
class RunView:
    """A run as feedback sees it: read-only, also while the run works."""

    place: RunDir
    journal: JournalReader
    split: SplitConfig
    seed: int

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run; close its `journal` when done.

        Raises:
            UsageError: There is no run at `path`.
            StorageError: The journal or the configuration cannot be read.
        """
        place = RunDir.existing(path)
        split, seed = _settings(place)
        return cls(place, Journal.read_only(place.journal_path), split, seed)

    def comparisons(self) -> Iterator[Compared]:
        """Every comparison that has an AI label which stands, by prompt id.

        Raises:
            StorageError: The journal cannot be read.
        """
        session = self.journal.latest_session()
        for record in finished_records(self.journal, session.number if session else 0):
            yield from _compared(record)

    def split_of(self, prompt_id: str) -> Split:
        """The split of a prompt: the one that the run gave it, or would give it.

        Raises:
            StorageError: The journal cannot be read.
        """
        if self.journal.session_of(prompt_id) is not None:
            record = self.journal.record(prompt_id)
            if record is not None:
                return record.split
        return split_of(prompt_id, self.split, self.seed)


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
