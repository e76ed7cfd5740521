"""Filters from their settings, in the order in which they are asked: the first that has a reason gives it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cai.config.filters import PersonalDataConfig, PromptFiltersConfig, RowFiltersConfig
from cai.filters.base import Candidate, Filter
from cai.filters.degenerate import DegenerateFilter
from cai.filters.flawed import FlawFilter
from cai.filters.language import LanguageFilter
from cai.filters.length import LengthFilter
from cai.filters.near_duplicates import NearAnswerFilter
from cai.filters.personal_data import PersonalDataFilter
from cai.filters.refusals import RefusalFilter
from cai.filters.template_text import TemplateTextFilter

Build = Callable[[Any], Filter]

# Near-duplicates of prompts are known when all prompts are: see `cai.data.intake`.
PROMPT_FILTERS: dict[str, Build] = {
    "length": LengthFilter,
    "degenerate": DegenerateFilter,
    "template_text": TemplateTextFilter,
    "language": LanguageFilter,
    "personal_data": PersonalDataFilter,
}

# Near-duplicates last: they remember only what the others let through.
ROW_FILTERS: dict[str, Build] = {
    "flawed": lambda _: FlawFilter(),
    "length": LengthFilter,
    "degenerate": DegenerateFilter,
    "template_text": TemplateTextFilter,
    "language": LanguageFilter,
    "refusals": RefusalFilter,
    "personal_data": PersonalDataFilter,
    "near_duplicates": NearAnswerFilter,
}


class Filters:
    """The filters that are on."""

    def __init__(self, filters: Iterable[Filter], masking: PersonalDataFilter | None) -> None:
        self._filters = tuple(filters)
        self._masking = masking

    def reason(self, candidate: Candidate) -> str | None:
        """The reason of the first filter that has one; None if the candidate stays."""
        return next((reason for each in self._filters if (reason := each.reason(candidate))), None)

    def masked(self, text: str) -> str:
        """The text without personal data, if that is to be masked."""
        return self._masking.masked(text) if self._masking else text


def build_filters(config: PromptFiltersConfig | RowFiltersConfig, requests: Iterable[str] = ()) -> Filters:
    """The filters of prompts, or of the rows of one dataset (they remember rows).

    Args:
        config: Which are on.
        requests: Texts whose sentences no answer may repeat: the constitution's requests, templates.

    Raises:
        ConfigError: A filter's library is not installed, or a setting names what the library does not know.
    """
    known: Mapping[str, Build] = PROMPT_FILTERS if isinstance(config, PromptFiltersConfig) else ROW_FILTERS
    texts = tuple(requests)
    filters: dict[str, Filter] = {}
    for name, build in known.items():
        settings = getattr(config, name)
        if settings:
            filters[name] = TemplateTextFilter(settings, texts) if name == "template_text" else build(settings)
    personal = filters.get("personal_data")
    masks = isinstance(config.personal_data, PersonalDataConfig) and config.personal_data.action == "mask"
    return Filters(filters.values(), personal if masks and isinstance(personal, PersonalDataFilter) else None)
