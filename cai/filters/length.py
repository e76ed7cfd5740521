"""Leaves out what is too short or too long."""

from cai.config.filters import LengthConfig
from cai.filters.base import Candidate


class LengthFilter:
    """Counts words or characters of each text."""

    def __init__(self, config: LengthConfig) -> None:
        self._config = config

    def reason(self, candidate: Candidate) -> str | None:
        """`too short` or `too long`, if any of the texts is."""
        lengths = [len(text.split()) if self._config.unit == "words" else len(text) for text in candidate.texts]
        if min(lengths) < self._config.min:
            return "too short"
        return "too long" if self._config.max is not None and max(lengths) > self._config.max else None
