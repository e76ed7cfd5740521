"""JSON files that earlier work left: an object, or a clear error."""

import json
from pathlib import Path
from typing import Any

from cai.errors import StorageError
from cai.store.atomic import reporting


def read_object(path: Path, fix: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: The file.
        fix: What the user can do if it holds something else.

    Raises:
        StorageError: The file cannot be read, or is not a JSON object.
    """
    with reporting(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise StorageError("this is not a JSON object", where=str(path), fix=fix)
    return value
