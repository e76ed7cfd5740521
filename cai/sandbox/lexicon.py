"""The lexicon of the sandbox world as typed values, read from lexicon.yaml."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_SLOT = re.compile(r"\{([a-z])\}")


@dataclass(frozen=True, slots=True)
class Family:
    """One family of requests; `hazard` is None for a benign one."""

    key: str
    wants: tuple[str, ...]
    steps: tuple[str, ...]
    hazard: str | None = None
    lookalike: bool = False
    names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a critique calls the hazard."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Slot values and families."""

    slots: dict[str, tuple[str, ...]]
    harmful: tuple[Family, ...]
    benign: tuple[Family, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        return self.harmful + self.benign


def slots_in(pattern: str) -> tuple[str, ...]:
    """Names of the one-letter slots of a pattern, in order of appearance."""
    return tuple(_SLOT.findall(pattern))


def _family(row: dict[str, Any]) -> Family:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Family(**values)


@cache
def lexicon() -> Lexicon:
    """The one lexicon of this version of the world."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return Lexicon(
        {name: tuple(values) for name, values in rows["slots"].items()},
        tuple(_family(row) for row in rows["harmful"]),
        tuple(_family(row) for row in rows["benign"]),
    )
