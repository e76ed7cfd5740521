"""Leaves out answers into which text of templates leaked: turns, control tokens, separators, sentences of requests."""

import re
from collections.abc import Iterable, Iterator

from cai.config.filters import TemplateTextConfig
from cai.filters.base import Candidate
from cai.near.shingles import normalised

_MARKS = {
    "turn": re.compile(r"^[ \t]*(?:Human|Assistant|CritiqueRequest|Critique|RevisionRequest|Revision):", re.MULTILINE),
    "control token": re.compile(
        r"<[|\uff5c][\w\u2581/.-]{1,40}[|\uff5c]>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS)\]|<</?SYS>>"
        r"|</?(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    ),
    "separator": re.compile(r"^-----$", re.MULTILINE),
}
_TAG = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?:])\s+|\n{2,}")
_LEAST_WORDS = 10
"""Shorter sentences of a request may be said by anybody."""


class TemplateTextFilter:
    """Looks for marks by their form, and for sentences in their normalised form."""

    def __init__(self, config: TemplateTextConfig, requests: Iterable[str] = ()) -> None:
        """Take the texts whose sentences no answer may repeat.

        Args:
            config: What is looked for.
            requests: Requests of a constitution, or templates as they lie in their files.
        """
        found = (sentence for request in requests for sentence in _sentences(request))
        self._sentences = tuple(dict.fromkeys(found)) if config.requests else ()

    def reason(self, candidate: Candidate) -> str | None:
        """`template text` and which: what the prompt itself says does not count, nor do answers that it asks for."""
        said = "\n".join(message.content for message in candidate.prompt.messages) if candidate.answers else ""
        for text in candidate.texts:
            for name, mark in _MARKS.items():
                found = {match[0].strip() for match in mark.finditer(text)}
                if any(part not in said for part in found):
                    return f"template text: {name}"
            if self._sentences and self._repeats(text, said):
                return "template text: request"
        return None

    def _repeats(self, text: str, said: str) -> bool:
        plain, asked = normalised(text), normalised(said)
        return any(sentence in plain and sentence not in asked for sentence in self._sentences)


def _sentences(request: str) -> Iterator[str]:
    """Sentences that are long enough to be known again, normalised; what a template fills in cuts them."""
    for part in _TAG.split(request):
        for sentence in _SENTENCE.split(part):
            if len(sentence.split()) >= _LEAST_WORDS:
                yield normalised(sentence)
