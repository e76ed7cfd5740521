"""The patterns of the refusal detector, read from patterns.yaml beside this module."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from cai.config.base import Config
from cai.errors import UsageError
from cai.refusals.phrases import Hit, Phrasebook, PhraseError
from cai.yaml_model import load_yaml_model

_FILE = Path(__file__).with_suffix(".yaml")
_EXCEPTION = "exception"

Signal = Literal[
    "decline",
    "brush_off",
    "objection",
    "condemnation",
    "lack",
    "private",
    "correction",
    "values",
    "equality",
    "grave",
    "elsewhere",
    "suggestion",
    "offer",
    "courtesy",
]
"""What a phrase of an answer is a sign of; the file says what each means."""

PromptSignal = Literal["how_to", "loaded", "why", "writing"]
"""What a phrase of a prompt is a sign of."""


class Patterns(Config):
    """The file."""

    stops: tuple[str, ...]
    """Words that a gap in a phrase does not cross."""
    leading: frozenset[str]
    """Words before the beginning of a sentence proper."""
    lists: dict[str, tuple[str, ...]]
    """Word lists that phrases name."""
    signals: dict[Signal, tuple[str, ...]]
    """Phrases of answers by what they are a sign of."""
    exceptions: tuple[str, ...]
    """Phrases that look like signals and mean something else; a signal that overlaps one does not count."""
    common: frozenset[str]
    """Words that say nothing about a topic."""
    prompts: dict[PromptSignal, tuple[str, ...]]
    """Phrases of prompts by what they are a sign of."""


@cache
def patterns() -> Patterns:
    """The shipped file, read once."""
    return load_yaml_model(_FILE, Patterns, UsageError)


@cache
def answer_book() -> Phrasebook:
    """The phrases of answers, ready to be looked for."""
    return _book([*patterns().signals.items(), (_EXCEPTION, patterns().exceptions)])


@cache
def prompt_book() -> Phrasebook:
    """The phrases of prompts, ready to be looked for."""
    return _book(patterns().prompts.items())


def _book(phrases: Iterable[tuple[str, Iterable[str]]]) -> Phrasebook:
    try:
        return Phrasebook(phrases, patterns().lists, patterns().stops)
    except PhraseError as error:
        raise UsageError(
            str(error), where=str(_FILE), fix="the head of the file says how phrases are written"
        ) from None


def signals_of(words: tuple[str, ...]) -> list[Hit]:
    """The signals in a sentence of an answer, without those that an exception explains away."""
    start = 0
    while start < len(words) - 1 and words[start] in patterns().leading:
        start += 1
    hits = answer_book().find(words[start:])
    explained = {place for hit in hits if hit.kind == _EXCEPTION for place in range(hit.start, hit.end)}
    return [hit for hit in hits if hit.kind != _EXCEPTION and explained.isdisjoint(range(hit.start, hit.end))]
