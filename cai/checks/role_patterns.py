"""The phrases that tell a critique from an answer, read from role_patterns.yaml beside this module."""

from functools import cache
from pathlib import Path
from typing import Literal

from cai.config.base import Config
from cai.errors import UsageError
from cai.refusals.phrases import Phrasebook, PhraseError
from cai.yaml_model import load_yaml_model

_FILE = Path(__file__).with_suffix(".yaml")

Sign = Literal["about", "exception", "verdict", "apology", "address", "handover"]
"""What a phrase is a sign of; the file says what each means."""


class RolePatterns(Config):
    """The file."""

    stops: tuple[str, ...]
    """Words that a gap in a phrase does not cross."""
    lists: dict[str, tuple[str, ...]]
    """Word lists that phrases name."""
    common: frozenset[str]
    """The commonest English words."""
    about: tuple[str, ...]
    """Phrases that speak of an answer, its author or its reader."""
    exception: tuple[str, ...]
    """Phrases that look like those and mean something else; what overlaps one does not count."""
    verdict: tuple[str, ...]
    """Phrases that judge without saying what."""
    apology: tuple[str, ...]
    """Phrases that say sorry for an answer."""
    address: tuple[str, ...]
    """Phrases that speak to the person."""
    handover: tuple[str, ...]
    """Phrases after which the answer begins."""


@cache
def role_patterns() -> RolePatterns:
    """The shipped file, read once."""
    return load_yaml_model(_FILE, RolePatterns, UsageError)


@cache
def role_book() -> Phrasebook:
    """Its phrases, ready to be looked for."""
    patterns = role_patterns()
    signs: tuple[Sign, ...] = ("about", "exception", "verdict", "apology", "address", "handover")
    try:
        return Phrasebook([(sign, getattr(patterns, sign)) for sign in signs], patterns.lists, patterns.stops)
    except PhraseError as error:
        raise UsageError(
            str(error), where=str(_FILE), fix="the head of the file says how phrases are written"
        ) from None
