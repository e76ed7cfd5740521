"""The fingerprint of a file. Nothing here knows what it is compared with."""

import hashlib
from pathlib import Path

from cai.store.atomic import reporting


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces.

    Raises:
        StorageError: The file could not be read.
    """
    with reporting(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
