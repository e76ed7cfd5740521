"""Fingerprints: which file, which configuration. Nothing here knows what they are compared with."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cai.store.atomic import reporting


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces.

    Raises:
        StorageError: The file could not be read.
    """
    with reporting(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def config_sha256(value: Any) -> str:
    """SHA-256 of a JSON-able value that does not depend on the order of keys.

    Raises:
        ValueError: A number is not finite, so that the value has no JSON form.
        TypeError: The value is not JSON-able.
    """
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
