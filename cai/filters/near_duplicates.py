"""Leaves out rows whose answers are nearly those of a row that was kept."""

from cai.config.filters import NearDuplicatesConfig
from cai.filters.base import Candidate
from cai.near.duplicates import NearDuplicates


class NearAnswerFilter:
    """Remembers every row that it let through, on disk if they are many; what it says depends on their order.

    Answers to one prompt are never compared: each revision is meant to be near the one before.
    """

    def __init__(self, config: NearDuplicatesConfig) -> None:
        self._kept = NearDuplicates(config.threshold)

    def reason(self, candidate: Candidate) -> str | None:
        """`near-duplicate`, if a row of another prompt is nearly the same."""
        found = self._kept.first_like(candidate.prompt.id, "\n".join(candidate.texts))
        return "near-duplicate" if found not in (None, candidate.prompt.id) else None
