"""What a page is made of: figures with their numbers as a table, facts, and sections. Plain values; nothing draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a figure, written out; the first column names the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone, and are aligned as such."""
        return tuple(
            all(
                not row[at] or row[at] == UNKNOWN or row[at].lstrip("+-\N{MINUS SIGN}")[:1].isdigit()
                for row in self.rows
            )
            for at in range(len(self.columns))
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and what it says.

    `id` is unique on a page and stable between runs; `says` is the sentence beside it; `chart` is an Altair chart.
    """

    id: str
    title: str
    says: str
    chart: Any
    table: Table


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that matters, or one line of what was run."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A section that this page does not have, and why."""

    section: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Plain values."""
        return {"section": self.section, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under one heading; `lead` is one or two sentences of text."""

    id: str
    title: str
    lead: str = ""
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    stories: tuple[Any, ...] = ()


def change(before: float, after: float) -> str:
    """A relative change, with its sign."""
    return f"{after / before - 1:+.1%}".replace("-", "\N{MINUS SIGN}")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table from any sequences."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))


def share(value: float | None, digits: int = 1) -> str:
    """A share in per cent."""
    return UNKNOWN if value is None else f"{value:.{digits}%}"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits after the point; whole numbers without any."""
    if value is None:
        return UNKNOWN
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def ratio(part: float, whole: int) -> float | None:
    """A share or a mean; None of nothing."""
    return part / whole if whole else None
