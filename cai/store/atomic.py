"""Files that are either whole or absent, also after a crash or a power cut.

A file is written under a temporary name in its own folder, synced, renamed, and the folder is synced. Nothing here
knows what the files hold.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cai.errors import StorageError

_FREE_SPACE = "free some space, then run the same command again; what was written before is safe"
_PERMISSIONS = "check who owns the folder and its permissions, or choose another folder"
_KNOWN = {
    errno.ENOSPC: ("there is no space left on the disk", _FREE_SPACE),
    errno.EDQUOT: ("the disk quota is used up", _FREE_SPACE),
    errno.EFBIG: ("the file would be larger than the system allows", "raise the limit (ulimit -f), then run again"),
    errno.EACCES: ("permission denied", _PERMISSIONS),
    errno.EPERM: ("permission denied", _PERMISSIONS),
    errno.EROFS: ("the file system is read-only", "choose a folder on a writable disk"),
    errno.EIO: ("the disk reports an input/output error", "check the disk and the system log, then run again"),
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.ENOTDIR: ("a part of the path is not a folder", "check the path"),
    errno.EISDIR: ("this is a folder, not a file", "check the path"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter one"),
}


def storage_error(error: OSError, path: Path) -> StorageError:
    """Say in plain words what the system refused, for which file, and what to do."""
    what, fix = _KNOWN.get(
        error.errno or 0,
        (error.strerror or str(error) or type(error).__name__, "check the disk and the path, then run again"),
    )
    return StorageError(what, where=str(path), fix=fix)


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Turn any `OSError` of the block into a `StorageError` about `path`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make renames and removals inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of a closed file survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to be written by any means; on success it takes the place of `path`.

    If the block fails, `path` is left as it was and the temporary file is removed.

    Raises:
        StorageError: The file could not be written (full disk, permissions, broken disk).
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with reporting(path):
            yield temporary
            sync_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        # After success the name is gone already; after a failure the disk may be full, so leave nothing behind.
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of `path`, whole or not at all.

    Raises:
        StorageError: The file could not be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace the content of `path` with UTF-8 text, whole or not at all; line ends are kept as they are.

    Raises:
        StorageError: The file could not be written.
    """
    write_bytes(path, text.encode("utf-8"))


def make_folder(path: Path) -> None:
    """Make a folder with all that lead to it; an existing one is fine.

    Raises:
        StorageError: The folder could not be made.
    """
    with reporting(path):
        path.mkdir(parents=True, exist_ok=True)
