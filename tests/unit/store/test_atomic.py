"""Files are whole or absent, and what the system refuses becomes a StorageError with advice."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cai.errors import StorageError
from cai.store.atomic import make_folder, replacing, storage_error, write_bytes, write_text


def test_text_is_written_as_utf8_with_line_ends_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "grün\r\nzwei\n")
    assert (tmp_path / "a.txt").read_bytes() == "grün\r\nzwei\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_block_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(KeyError), replacing(target) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_reader_sees_the_old_content_until_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_the_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_missing_folder_is_a_storage_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        write_text(tmp_path / "no" / "a.txt", "x")
    assert caught.value.where == str(tmp_path / "no" / "a.txt")
    assert caught.value.exit_code == 74


def test_a_folder_below_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="not a folder"):
        make_folder(tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "input/output error"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_what_the_system_says_is_put_in_plain_words(number: int, words: str) -> None:
    error = storage_error(OSError(number, os.strerror(number)), Path("x"))
    assert words in error.what
    assert error.fix


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from cai.store.atomic import write_bytes\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_bytes(Path(sys.argv[1]), b'n' * 5000)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    target = tmp_path / "a"
    write_bytes(target, b"old")
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("StorageError")
    assert "larger than the system allows" in done.stdout
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
