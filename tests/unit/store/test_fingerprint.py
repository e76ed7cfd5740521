"""Fingerprints are those of the content."""

import hashlib
from pathlib import Path

import pytest

from cai.errors import StorageError
from cai.store.fingerprint import file_sha256


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"x" * 300_000).hexdigest()


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        file_sha256(tmp_path / "a")
