"""Labels as they come, kept in a journal so that no comparison is asked twice.

A label is found by its comparison and the hash of all that was asked, so one file can be labelled by several methods in
one folder, and whatever the same comparison was asked before is used again.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from cai.errors import UsageError
from cai.records import Label, Step, Usage
from cai.store.atomic import make_folder
from cai.store.journal import Journal
from cai.store.reader import StepKey

LEDGER = "labels.db"


class LabelLedger:
    """Open for writing; one process at a time.

    Args:
        folder: Where labels are kept; new, empty, or of earlier labels.

    Raises:
        UsageError: The folder holds something else.
        RunInUse: Another process writes to it.
        StorageError: It cannot be made or read.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise UsageError("this is a file, not a folder", where=str(folder), fix="choose another --out")
        if folder.exists() and not (folder / LEDGER).exists() and any(folder.iterdir()):
            fix = "choose a new or empty folder"
            raise UsageError("the folder is not empty and holds no labels", where=str(folder), fix=fix)
        make_folder(folder)
        self._journal = Journal.open(folder / LEDGER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.__exit__(kind, error, trace)

    def known(self, comparison_id: str, asked: str) -> Label | None:
        """A label that is kept; None if this was never asked."""
        step = self._journal.steps(comparison_id).get(_key(asked))
        return None if step is None else Label.from_dict(step.body)

    async def keep(self, label: Label, asked: str, usage: Usage) -> None:
        """Add a label; it is durable within a moment."""
        key = _key(asked)
        await self._journal.add_step(Step(label.comparison_id, *key, asked, "done", label.to_dict(), usage))

    async def flush(self) -> None:
        """Wait until every label is durable, and can be read."""
        await self._journal.flush()


def _key(asked: str) -> StepKey:
    return StepKey(f"label/{asked}", 0, 0)
