"""What an importer finds in a source, and what every importer is.

An importer takes texts as they stand and makes up none: what a principle still lacks is phrased in one place, by
`phrasing`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from cai.errors import ConstitutionError

# What our YAML reader refuses: control characters but tab and line ends, halves of surrogate pairs, non-characters.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read: its name, its text, and what the text holds if it is JSON (else None)."""

    name: str
    text: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a source. Each text is the source's own, word for word, or None where it has none.

    `where` names the rule in its source. `voice` says who speaks in `statement`: the rule is about answers, or the
    assistant speaks of itself. `questions` are prompts that the source gives to try the rule on.
    """

    where: str
    statement: str | None = None
    critique_request: str | None = None
    revision_request: str | None = None
    comparison_question: str | None = None
    first_person: bool = False
    tags: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()

    @property
    def taken(self) -> Mapping[str, str]:
        """The texts that the source has, by the field of a principle."""
        texts = {name: getattr(self, name) for name in TEXTS}
        return {name: text for name, text in texts.items() if text is not None}


TEXTS = ("statement", "critique_request", "revision_request", "comparison_question")
"""The texts that every principle must have."""


class Found(NamedTuple):
    """The rules of one source, and sentences about what of it has no place in a constitution."""

    rules: tuple[Rule, ...]
    dropped: tuple[str, ...] = ()


class Importer(Protocol):
    """Reads one format."""

    format: ClassVar[str]
    """The name by which it is asked for."""
    about: ClassVar[str]
    """The format in some words."""

    def recognises(self, source: Source) -> bool:
        """Whether this looks like the format; what is wrong with its details is said by `read`."""

    def read(self, source: Source) -> Found:
        """Take the rules.

        Raises:
            ConstitutionError: A part of the source is not as the format has it; says which.
        """


def cleaned(text: str) -> str:
    """A text that a constitution file can hold: the same words, without what no YAML may contain."""
    return _UNREADABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def text_at(holder: Any, key: str, source: Source, where: str) -> str:
    """The text under a key of a JSON object.

    Raises:
        ConstitutionError: It is missing, empty, or no text.
    """
    value = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(value, str) or not cleaned(value):
        raise ConstitutionError(
            f"`{where}.{key}` should be a text that is not empty",
            where=source.name,
            fix="correct the file, or name another --format",
        )
    return cleaned(value)


def other_keys(data: Mapping[str, Any], known: Sequence[str]) -> tuple[str, ...]:
    """A sentence about keys that an importer does not read, if there are any."""
    unknown = [cleaned(str(key)) for key in data if key not in known]
    return (f"keys that have no place in a constitution: {', '.join(unknown)}",) if unknown else ()
