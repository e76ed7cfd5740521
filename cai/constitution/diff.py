"""What changed between two constitutions, principle by principle, and what of it makes records owed again.

Pure: two constitutions in, one value out. How a text changed word by word is for whoever shows it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cai.constitution.schema import AppliesTo, Constitution, Principle

Kind = Literal["added", "removed", "reworded", "reweighted", "restricted", "marked"]
Level = Literal["first", "second", "third"]
Redone = Literal["critique", "revision", "label", "rating", "draws", "draws_by_hazard"]

REDONE: dict[str, tuple[Redone, ...]] = {
    "statement": ("critique", "rating"),
    "critique_request": ("critique",),
    "revision_request": ("revision",),
    "constraints": ("revision",),
    "comparison_question": ("label",),
    "weight": ("draws",),
    "applies_to": ("draws",),
    "hazards": ("draws_by_hazard",),
    "tags": (),
}
"""Which steps a field of a principle makes owed again, at most: those that used the principle, and what was built on
them.

`rating`: labels of runs that rate answers by the statement. `draws`: records in which another principle is drawn now;
`draws_by_hazard`: those of runs that draw by hazard. Tags alone are in no prompt and no draw.
"""

_TEXTS = ("statement", "critique_request", "revision_request", "constraints", "comparison_question")
_MARKS = ("hazards", "tags")
_ABOUT = ("description", "source", "owners", "changelog")
_LEVELS: tuple[Level, ...] = ("first", "second", "third")
_NEGATIONS = re.compile(r"\b(?:not|never|no|none|cannot|without|refuse[sd]?|avoid(?:s|ed)?|\w+n['\u2019]t)\b", re.I)


@dataclass(frozen=True, slots=True)
class TextChange:
    """One text field of a principle that was reworded; constraints are one a line."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MarkChange:
    """Hazards or tags that came and went."""

    field: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrincipleChange:
    """All that changed of one principle; `before` is None for an added one, `after` for a removed one."""

    id: str
    before: Principle | None
    after: Principle | None
    texts: tuple[TextChange, ...] = ()
    weight: tuple[float, float] | None = None
    applies_to: tuple[AppliesTo, AppliesTo] | None = None
    marks: tuple[MarkChange, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What happened to it, the gravest first."""
        if self.before is None:
            return ("added",)
        if self.after is None:
            return ("removed",)
        found: dict[Kind, object] = {
            "reworded": self.texts,
            "reweighted": self.weight,
            "restricted": self.applies_to,
            "marked": self.marks,
        }
        return tuple(kind for kind, change in found.items() if change)

    @property
    def redone(self) -> tuple[Redone, ...]:
        """Which steps are owed again; none if no prompt and no draw can tell the difference."""
        if self.before is None or self.after is None:
            return ("draws",)
        fields = [*(change.field for change in self.texts), *(change.field for change in self.marks)]
        fields += ["weight"] if self.weight else []
        fields += ["applies_to"] if self.applies_to else []
        return tuple(dict.fromkeys(step for field in fields for step in REDONE[field]))


@dataclass(frozen=True, slots=True)
class ConstitutionDiff:
    """What changed. `about` are the other fields of the file that differ, none of which any prompt shows.

    `reordered`: principles that both have stand in another order, which only runs see that take them in order. `needed`
    is the number of the version that the changes ask to be raised, by the rule of the schema; None if no principle
    changed. `warnings` are sentences for people.
    """

    names: tuple[str, str]
    versions: tuple[str, str]
    changes: tuple[PrincipleChange, ...]
    unchanged: int
    reordered: bool
    about: tuple[str, ...]
    needed: Level | None
    warnings: tuple[str, ...]
    same_fingerprint: bool

    @property
    def is_empty(self) -> bool:
        """Whether both say the same in every field."""
        same = len({*self.names}) == len({*self.versions}) == 1
        return same and not (self.changes or self.reordered or self.about)


def diff_constitutions(before: Constitution, after: Constitution) -> ConstitutionDiff:
    """Compare two constitutions by the ids of their principles."""
    old = {principle.id: principle for principle in before.principles}
    new = {principle.id: principle for principle in after.principles}
    pairs = [(old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
    changes = tuple(_change(one, other) for one, other in pairs if one != other)
    needed = _needed(changes)
    return ConstitutionDiff(
        names=(before.name, after.name),
        versions=(before.version, after.version),
        changes=changes,
        unchanged=len(pairs) - len(changes),
        reordered=[name for name in old if name in new] != [name for name in new if name in old],
        about=tuple(name for name in _ABOUT if getattr(before, name) != getattr(after, name)),
        needed=needed,
        warnings=(*_version_warnings(before, after, needed), *_renamed(changes), *_turned(changes)),
        same_fingerprint=before.fingerprint == after.fingerprint,
    )


def _change(before: Principle | None, after: Principle | None) -> PrincipleChange:
    if before is None or after is None:
        one = before or after
        assert one is not None
        return PrincipleChange(one.id, before, after)
    return PrincipleChange(
        before.id,
        before,
        after,
        texts=tuple(_texts(before, after)),
        weight=(before.weight, after.weight) if before.weight != after.weight else None,
        applies_to=(before.applies_to, after.applies_to) if before.applies_to != after.applies_to else None,
        marks=tuple(_marks(before, after)),
    )


def _texts(before: Principle, after: Principle) -> Iterable[TextChange]:
    for name in _TEXTS:
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            as_text = "\n".join if name == "constraints" else str
            yield TextChange(name, as_text(one), as_text(other))


def _marks(before: Principle, after: Principle) -> Iterable[MarkChange]:
    for name in _MARKS:
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield MarkChange(name, tuple(m for m in one if m not in other), tuple(m for m in other if m not in one))


def _needed(changes: Iterable[PrincipleChange]) -> Level | None:
    kinds = {kind for change in changes for kind in change.kinds}
    if "removed" in kinds:
        return "first"
    if "added" in kinds:
        return "second"
    return "third" if kinds else None


def _version_warnings(before: Constitution, after: Constitution, needed: Level | None) -> Iterable[str]:
    if before.name != after.name:
        yield f"the names differ ({before.name}, {after.name}): these may not be two versions of one constitution"
        return
    old, new = _numbers(before.version), _numbers(after.version)
    if new < old:
        yield f"the version went back from {before.version} to {after.version}"
    elif needed is not None and new[: _LEVELS.index(needed) + 1] <= old[: _LEVELS.index(needed) + 1]:
        stands = "still" if before.version == after.version else "only"
        yield (
            f"the version is {stands} {after.version} after {before.version}, but {_REASONS[needed]}: "
            f"raise its {needed} number, to {_raised(old, needed)}"
        )
    if after.version != before.version and after.changelog and after.changelog[0].version != after.version:
        yield f"the changelog begins with {after.changelog[0].version} and says nothing of {after.version}"


_REASONS: dict[Level, str] = {
    "first": "a principle was removed",
    "second": "a principle was added",
    "third": "principles were changed",
}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[-+]", version, maxsplit=1)[0].split("."))


def _raised(old: tuple[int, ...], level: Level) -> str:
    at = _LEVELS.index(level)
    return ".".join(str(number) for number in (*old[:at], old[at] + 1, *[0] * (2 - at)))


def _renamed(changes: Iterable[PrincipleChange]) -> Iterable[str]:
    """Records name a principle by its id, so a new id for the same texts loses every draw."""
    removed = [change.before for change in changes if change.after is None and change.before]
    added = [change.after for change in changes if change.before is None and change.after]
    for old in removed:
        for new in added:
            if old.model_copy(update={"id": new.id}) == new:
                yield f"{old.id} became {new.id} with the same texts: keep the id, for every record names it"


def _turned(changes: Iterable[PrincipleChange]) -> Iterable[str]:
    """Whether a rule was turned round is for people to say; a negation that came or went is the sign to look."""
    for change in changes:
        for text in change.texts:
            if text.field == "statement" and _negations(text.before) != _negations(text.after):
                yield (
                    f"{change.id}: a negation came or went in its statement; if the rule was turned round, raise the "
                    "first number of the version"
                )


def _negations(text: str) -> int:
    return len(_NEGATIONS.findall(text))
