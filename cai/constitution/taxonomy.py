"""The hazard taxonomy: four families, and how each hazard maps to MLCommons AILuminate and to Llama Guard.

One file, `taxonomy.yaml` beside this module, is the only list of hazards in the program. It knows no constitution.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cai.errors import ConstitutionError
from cai.yaml_model import load_yaml_model

_FILE = Path(__file__).with_name("taxonomy.yaml")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Family(_Entry):
    """A group of hazards."""

    id: str
    name: str
    description: str


class Hazard(_Entry):
    """One kind of harm. `ailuminate` and `llama_guard` are empty where the other list has nothing that matches."""

    id: str
    family: str
    name: str
    description: str
    ailuminate: tuple[str, ...] = ()
    llama_guard: tuple[Annotated[str, Field(pattern=r"^S([1-9]|1[0-4])$")], ...] = ()


class Taxonomy(_Entry):
    """Families and hazards, in the order of the file."""

    version: str
    families: tuple[Family, ...]
    hazards: tuple[Hazard, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Hazard]:
        """Hazards by id."""
        return {hazard.id: hazard for hazard in self.hazards}

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all hazards."""
        return tuple(self.by_id)

    def family_of(self, hazard: str) -> Family:
        """Family of a hazard.

        Raises:
            KeyError: There is no such hazard.
        """
        wanted = self.by_id[hazard].family
        return next(family for family in self.families if family.id == wanted)


@cache
def taxonomy() -> Taxonomy:
    """The shipped taxonomy, read once."""
    return load_yaml_model(_FILE, Taxonomy, ConstitutionError)
