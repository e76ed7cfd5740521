"""Fingerprints are those of the content."""

import hashlib
from pathlib import Path

import pytest

from cai.errors import StorageError
from cai.store.fingerprint import config_sha256, file_sha256


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"x" * 300_000).hexdigest()


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        file_sha256(tmp_path / "a")


def test_the_order_of_keys_does_not_matter_and_values_do() -> None:
    assert config_sha256({"a": 1, "b": [1, None]}) == config_sha256({"b": [1, None], "a": 1})
    assert config_sha256({"a": 1}) != config_sha256({"a": "1"})


def test_a_number_without_a_json_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        config_sha256({"a": float("nan")})
