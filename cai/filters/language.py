"""Leaves out texts in other languages than those that are allowed. The detector is py3langid's; it works offline."""

from functools import cache
from typing import Any

from cai.config.filters import LanguageConfig
from cai.errors import ConfigError
from cai.filters.base import Candidate
from cai.filters.extra import needing


class LanguageFilter:
    """Asks the detector about each text that is long enough to tell."""

    def __init__(self, config: LanguageConfig) -> None:
        """Load the detector.

        Raises:
            ConfigError: It is not installed, or does not know one of the languages.
        """
        self._config = config
        known = _detector().labels
        unknown = [code for code in config.allow if code not in known]
        if unknown:
            raise ConfigError(
                f"the language {unknown[0]!r} is not one that can be detected",
                where="filters.*.language.allow",
                fix=f"use some of {', '.join(sorted(known))}",
            )

    def reason(self, candidate: Candidate) -> str | None:
        """`language xx`, by the first text that is surely in a language that is not allowed."""
        for text in candidate.texts:
            if len(text.encode("utf-8", "surrogatepass")) < self._config.min_bytes:
                continue
            found, confidence = _detector().classify(text)
            if found not in self._config.allow and confidence >= self._config.min_confidence:
                return f"language {found}"
        return None


@cache
def _detector() -> Any:
    """The detector with its shipped model of 97 languages; it takes half a second to load."""
    with needing("py3langid", "the language filter"):
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
