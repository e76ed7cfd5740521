"""Leaves out texts that are no language: empty, repeating themselves, or mostly signs."""

import unicodedata

from cai.checks.looping import looping
from cai.config.filters import DegenerateConfig
from cai.filters.base import Candidate

_SHORTEST = 20
"""Shorter texts may be a formula or a smile."""


class DegenerateFilter:
    """Looks at each text by itself."""

    def __init__(self, config: DegenerateConfig) -> None:
        self._config = config

    def reason(self, candidate: Candidate) -> str | None:
        """`empty`, `looping` or `mostly signs`: the first that is true of a text."""
        for text in candidate.texts:
            if not text.strip():
                return "empty"
            if self._mostly_signs(text):
                return "mostly signs"
            if looping(text):
                return "looping"
        return None

    def _mostly_signs(self, text: str) -> bool:
        signs = [character for character in text if not character.isspace()]
        # Vowel signs of Indian scripts, and accents by themselves, are marks: they go with their letters.
        spoken = sum(character.isalnum() or unicodedata.category(character)[0] == "M" for character in signs)
        return len(signs) >= _SHORTEST and spoken < self._config.min_letters * len(signs)
