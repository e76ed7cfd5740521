"""What a constitution may say: the pydantic models behind the YAML file, and the two pure rules that read them.

A docstring here is also the description in the JSON Schema, so it is written for people who edit the YAML. Nothing
here reads a file, draws a principle or knows a prompt template.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from cai.config.base import Config
from cai.constitution.taxonomy import taxonomy
from cai.records import content_hash
from cai.yaml_model import did_you_mean
from cai.yaml_source import shortened

Stage = Literal["critique", "comparison"]

_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TAG = r"^[a-z0-9]+([-_][a-z0-9]+)*$"
_VERSION = r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}$"


def _matching(pattern: str, words: str) -> Any:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("this text is empty")
    return value.strip()


def _known_hazard(value: str) -> str:
    known = taxonomy().ids
    if value not in known:
        raise ValueError(f"there is no hazard `{shortened(value)}`; {did_you_mean(value, known, 'hazards')}")
    return value


def _hazard_enum(schema: dict[str, Any]) -> None:
    schema["enum"] = list(taxonomy().ids)


Text = Annotated[str, AfterValidator(_filled), Field(json_schema_extra={"pattern": r"\S"})]
Slug = Annotated[
    str,
    _matching(_SLUG, "should be lower-case words joined by hyphens, such as `name-the-risk`"),
    Field(json_schema_extra={"pattern": _SLUG}),
]
Tag = Annotated[
    str,
    _matching(_TAG, "should be lower-case words joined by hyphens or underscores, such as `tact`"),
    Field(json_schema_extra={"pattern": _TAG}),
]
Version = Annotated[
    str,
    _matching(_VERSION, "should have three parts, such as `1.2.0`"),
    Field(json_schema_extra={"pattern": _VERSION}),
]
Date = Annotated[
    str,
    _matching(_DATE, "should be a date such as `2026-05-31`"),
    Field(json_schema_extra={"pattern": _DATE}),
]
HazardId = Annotated[str, AfterValidator(_known_hazard), Field(json_schema_extra=_hazard_enum)]
Weight = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class AppliesTo(Config):
    """Where a principle is used. What is left out restricts nothing; what is given must all hold."""

    hazards: tuple[HazardId, ...] = ()
    """Only for prompts marked with one of these hazards. A prompt with no known hazard is not restricted by this."""
    tags: tuple[Tag, ...] = ()
    """Only for prompts that carry at least one of these tags."""
    stages: tuple[Stage, ...] = ()
    """Only when answers are criticised and revised (`critique`), or only when two are compared (`comparison`)."""


class Principle(Config):
    """One rule, and the texts with which a model is asked to apply it."""

    id: Slug
    """A short name that never changes, in lower case with hyphens. Every record names the principle it used by it."""
    statement: Text
    """The rule itself, in a sentence or two that a person could follow."""
    hazards: tuple[HazardId, ...] = ()
    """Hazards of the taxonomy that this rule is about; they count for coverage and restrict nothing."""
    tags: tuple[Tag, ...] = ()
    """Free words to group rules by."""
    weight: Weight = 1.0
    """How often it is drawn: a rule of weight 2 is drawn twice as often as one of weight 1."""
    critique_request: Text
    """Asks the critic to find, in the answer just given, the specific ways in which it breaks the rule."""
    revision_request: Text
    """Asks the reviser to rewrite the answer so that it keeps the rule."""
    constraints: tuple[Text, ...] = ()
    """What the rewritten answer must keep or leave alone, one short sentence each."""
    comparison_question: Text
    """Asks which of two answers keeps the rule better. The model replies with a letter, A or B."""
    applies_to: AppliesTo = AppliesTo()
    """Where the rule is used; everywhere, if left out."""


class Change(Config):
    """One version and what it changed."""

    version: Version
    """The version that this note is about."""
    date: Date | None = None
    """Day of the change, as year-month-day."""
    note: Text
    """What changed, for people who used the version before."""


class Constitution(Config):
    """A named, versioned list of principles by which a model judges and rewrites its own answers."""

    name: Slug
    """Short name, in lower case with hyphens; it goes into every dataset made with this file."""
    version: Version
    """Three numbers, such as 1.2.0. Raise the first when a rule is removed or turned round, the second when one is
    added, the third when only wording changes."""
    description: str = ""
    """What this constitution is for, in a sentence or two."""
    source: str = ""
    """Where the rules come from."""
    owners: tuple[Text, ...] = ()
    """Who decides about changes."""
    changelog: tuple[Change, ...] = ()
    """Changes, newest first."""
    principles: Annotated[tuple[Principle, ...], Field(min_length=1)]
    """The rules. Their order matters only to a run that takes them in it."""

    @field_validator("principles")
    @classmethod
    def _ids_are_unique(cls, principles: tuple[Principle, ...]) -> tuple[Principle, ...]:
        again = repeated(principle.id for principle in principles)
        if again:
            index, first = again[0]
            at = {"at": [index, "id"], "id": principles[index].id, "first": first}
            raise PydanticCustomError("repeated_id", "`{id}` is already the id of principles[{first}]", at)
        return principles

    @property
    def fingerprint(self) -> str:
        """Hash of what can change an answer or a label.

        Left out, since no prompt shows them: name, version, description, source, owners, changelog; and the order of
        the principles, since draws do not look at it. A run that takes them in their order looks at that by itself.
        """
        rules = [principle.model_dump(mode="json") for principle in self.principles]
        return content_hash(sorted(rules, key=lambda rule: str(rule["id"])))

    def principle(self, principle_id: str) -> Principle:
        """The principle of that id.

        Raises:
            KeyError: There is none.
        """
        for principle in self.principles:
            if principle.id == principle_id:
                return principle
        raise KeyError(principle_id)


def applies(principle: Principle, prompt_hazard: str | None, prompt_tags: Iterable[str], stage: Stage) -> bool:
    """Whether a principle is used for a prompt at a stage.

    A prompt without a hazard has an unknown one, not none: a restriction on hazards is then ignored, so that principles
    are not lost on prompts that nobody has marked. A restriction on tags needs one tag in common.
    """
    where = principle.applies_to
    if where.stages and stage not in where.stages:
        return False
    if where.tags and not set(where.tags) & set(prompt_tags):
        return False
    return not where.hazards or prompt_hazard is None or prompt_hazard in where.hazards


def repeated(ids: Iterable[Any]) -> list[tuple[int, int]]:
    """(index, index of the first) of each id that was seen before."""
    first: dict[Any, int] = {}
    return [(index, first[name]) for index, name in enumerate(ids) if first.setdefault(name, index) != index]
