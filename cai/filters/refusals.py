"""Leaves out answers that refuse a benign prompt."""

from cai.config.filters import RefusalsConfig
from cai.filters.base import Candidate
from cai.refusals.detector import detect_refusal


class RefusalFilter:
    """Asks the refusal detector about answers to be learned, where a tag says that the prompt is benign."""

    def __init__(self, config: RefusalsConfig) -> None:
        self._tags = frozenset(config.benign_tags)
        self._levels = ("full", "partial") if config.partial else ("full",)

    def reason(self, candidate: Candidate) -> str | None:
        """`refusal of a benign prompt`, if a learned answer is one."""
        if self._tags.isdisjoint(candidate.prompt.tags):
            return None
        asked = candidate.prompt.messages[-1].content
        refused = (detect_refusal(asked, a.text) in self._levels for a in candidate.answers if a.learned)
        return "refusal of a benign prompt" if any(refused) else None
