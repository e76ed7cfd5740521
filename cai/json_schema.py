"""JSON Schemas of the files that people edit, so that an editor can complete and check them while they type.

It knows how a schema is written, not what is in one.
"""

import json
from typing import Any

from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def model_schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """JSON Schema of a model; descriptions come from docstrings."""
    schema = model.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": title}


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as it is written to a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
