"""Whether a critique stands where a revision is due, or a revision where a critique is due."""

import re

_ABOUT = re.compile(
    r"\b(?:the|this) (?:assistant|ai|model|chatbot)\b"
    r"|\b(?:my|your|the|this|its|their)(?: \w+)? (?:answer|response|reply)\b",
    re.IGNORECASE,
)


def criticises_instead(text: str, previous: str, critique: str | None) -> bool:
    """Whether the text, which should be an answer, talks about one."""
    return _ABOUT.search(text) is not None


def answers_instead(text: str, answer: str) -> bool:
    """Whether the text, which should be a critique, is an answer."""
    return _ABOUT.search(text) is None and len(text.split()) > 12
