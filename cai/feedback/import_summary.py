"""What became of the rows of a file of feedback. Plain values and their counts."""

from dataclasses import asdict, dataclass, field
from typing import Any

LISTED = 1000
"""Rows that a summary lists one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A row that was not joined or not used, its number in the file, and why."""

    number: int
    reason: str
    prompt: str | None


@dataclass(slots=True)
class ImportSummary:
    """What became of a file: `rows` = `joined_by_id` + `joined_by_content` + `own` + `unused`.

    A row here is a judgement: a task with three annotations counts as three. `own` are comparisons that the run has
    not; they are kept beside those it has. `unused` gives the reasons of rows without a judgement. `repeated` rows
    were replaced by a later one of the same person on the same comparison, `corrected` ones by an earlier import.
    """

    file: str
    format: str = ""
    rows: int = 0
    joined_by_id: int = 0
    joined_by_content: int = 0
    own: int = 0
    unused: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    corrected: int = 0
    comparisons: int = 0
    judgements: int = 0
    unjoined: list[Listed] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def leave_out(self, number: int, reason: str) -> None:
        """Count a row that gives no judgement."""
        self.unused[reason] = self.unused.get(reason, 0) + 1
        self.list_row(Listed(number, reason, None))

    def list_row(self, listed: Listed) -> None:
        """Name a row, if there is room."""
        if len(self.unjoined) < LISTED:
            self.unjoined.append(listed)
