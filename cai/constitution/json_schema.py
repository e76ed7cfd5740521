"""The JSON Schema of a constitution file; hazards are listed from the taxonomy."""

from typing import Any

from cai.constitution.schema import Constitution
from cai.json_schema import model_schema


def constitution_schema() -> dict[str, Any]:
    """What `constitution/schema/constitution.schema.json` holds."""
    return model_schema(Constitution, "Constitution")
