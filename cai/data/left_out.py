"""Row filters at work on one dataset: which rows are written, and how many were left out for which reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from cai.config.stages import GenerateConfig
from cai.data.finished import rounds_of
from cai.data.tables import PreferenceRow, Preferences, SftRow, Turns
from cai.filters.base import Answer, Candidate
from cai.filters.build import build_filters
from cai.store.reader import JournalRecord

TIE = "tie"
NEAR_TIE = "near tie"
MASKED_ALIKE = "equal answers when masked"

_Row = TypeVar("_Row", SftRow, PreferenceRow)


class LeftOut:
    """The filters of one dataset. It sees the rows in their order, for some filters remember what they let through."""

    def __init__(self, config: GenerateConfig, requests: Iterable[str]) -> None:
        """Build the filters.

        Args:
            config: Which are on, and the least margin of a preference.
            requests: Texts whose sentences no answer may repeat.

        Raises:
            ConfigError: A filter's library is not installed.
        """
        self._filters = build_filters(config.filters.rows, requests)
        self._min_margin = config.comparison.min_margin
        self.reasons: Counter[str] = Counter()
        """Rows that are not written."""
        self.masked = 0
        """Rows in which personal data was masked."""

    def sft(self, rows: Iterable[SftRow], record: JournalRecord) -> list[SftRow]:
        """The rows of a record that are written."""
        flaws = _flaws(record)
        return [kept for row in rows if (kept := self._kept(row, record, flaws, ("completion",)))]

    def preferences(self, found: Preferences, record: JournalRecord) -> list[PreferenceRow]:
        """The rows of a record that are written; ties, which are no rows, are counted."""
        if found.ties:
            self.reasons[TIE] += found.ties
        flaws = _flaws(record)
        written = []
        for row in found.rows:
            if 2 * row["p_chosen"] - 1 < self._min_margin:
                self.reasons[NEAR_TIE] += 1
            elif kept := self._kept(row, record, flaws, ("chosen", "rejected")):
                written.append(kept)
        return written

    def _kept(
        self, row: _Row, record: JournalRecord, flaws: Mapping[str, str], columns: tuple[str, ...]
    ) -> _Row | None:
        values: dict[str, Any] = dict(row)
        texts = {column: values[column][0]["content"] for column in columns}
        answers = tuple(Answer(text, column != "rejected", flaws.get(text)) for column, text in texts.items())
        reason = self._filters.reason(Candidate(record.prompt, answers))
        if reason is None:
            changed = {column: self._masked(values[column]) for column in ("prompt", *columns)}
            if all(values[column] == turns for column, turns in changed.items()):
                return row
            if "rejected" not in changed or changed["chosen"] != changed["rejected"]:
                self.masked += 1
                return cast(_Row, {**values, **changed})
            reason = MASKED_ALIKE
        self.reasons[reason] += 1
        return None

    def _masked(self, turns: Turns) -> Turns:
        return [{**turn, "content": self._filters.masked(turn["content"])} for turn in turns]


def _flaws(record: JournalRecord) -> dict[str, str]:
    """The flaws that stayed, by the text of the revision."""
    return {found.revision: found.flaw for found in rounds_of(record) if found.revision and found.flaw}
