"""An object comes back; anything else is an error that names the file and the way out."""

from pathlib import Path

import pytest

from cai.errors import StorageError
from cai.store.json_file import read_object


def test_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1]}')
    assert read_object(path, "fix it") == {"a": [1]}


@pytest.mark.parametrize("data", [b"[1]", b"{", b"", b"\xff\xfe"])
def test_anything_else(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(StorageError, match="not a JSON object") as caught:
        read_object(path, "fix it")
    assert (caught.value.where, caught.value.fix) == (str(path), "fix it")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_object(tmp_path / "a.json", "fix it")
