"""Names of hazards for people: those of the taxonomy, and any other as it stands."""

from cai.constitution.taxonomy import taxonomy
from cai.report.visible import visible

NONE = "none"
"""How records without a hazard are counted."""
NO_HAZARD = "no hazard"


def hazard_name(hazard: str) -> str:
    """What a chart or a table calls a hazard."""
    if hazard == NONE:
        return NO_HAZARD
    known = taxonomy().by_id.get(hazard)
    return visible(known.name if known else hazard)


def with_id(hazard: str) -> str:
    """The same with the id by which files name it."""
    known = taxonomy().by_id.get(hazard)
    return visible(f"{known.name} ({hazard})") if known else hazard_name(hazard)
