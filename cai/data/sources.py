"""Files of prompts: `scan` checks a whole file before a run begins, `read` streams it. Errors name file and line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cai.data.readers import READERS
from cai.data.rows import prompt_of
from cai.errors import PromptSourceError
from cai.records import Prompt
from cai.store.fingerprint import file_sha256


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a checked file holds.

    `count` prompts (duplicates included), of which `multi_turn` have more than one user turn and `with_hazard` name a
    hazard; `format` is the suffix by which it was read, `sha256` that of the file as it lies on disk.
    """

    path: Path
    format: str
    count: int
    multi_turn: int
    with_hazard: int
    sha256: str


def scan(path: Path) -> SourceInfo:
    """Read a file once, in constant memory (but for .json), and check every row.

    Raises:
        PromptSourceError: The file or a row is not usable, or there is no prompt at all.
        StorageError: The file cannot be read again for its checksum.
    """
    count = multi_turn = with_hazard = 0
    for prompt in read(path):
        count += 1
        multi_turn += sum(message.role == "user" for message in prompt.messages) > 1
        with_hazard += prompt.hazard is not None
    if count == 0:
        raise PromptSourceError("the file holds no prompt", where=str(path), fix="write at least one")
    return SourceInfo(path, format_of(path), count, multi_turn, with_hazard, file_sha256(path))


def read(path: Path) -> Iterator[Prompt]:
    """The prompts of a file, in its order, as a stream; duplicates are kept.

    `source` of each is the file's name and the line (JSON lines, CSV, text) or the row (JSON, Parquet), from 1.

    Raises:
        PromptSourceError: The file or a row is not usable.
    """
    suffix = format_of(path)
    flat = suffix.startswith(".csv")
    try:
        for row in READERS[suffix](path):
            yield prompt_of(row, str(path), path.name, flat=flat)
    except OSError as error:
        raise _unreadable(error, path) from None


def format_of(path: Path) -> str:
    """The suffix that decides how a file is read, such as `.jsonl.gz`.

    Raises:
        PromptSourceError: The suffix is not one that can be read.
    """
    name = path.name.lower()
    suffix = next((s for s in sorted(READERS, key=len, reverse=True) if name.endswith(s)), None)
    if suffix is None:
        raise PromptSourceError(
            f"prompts cannot be read from a {path.suffix or 'file without a suffix'}"
            + (" file" if path.suffix else ""),
            where=str(path),
            fix=f"use one of {', '.join(READERS)}",
        )
    return suffix


def _unreadable(error: OSError, path: Path) -> PromptSourceError:
    if isinstance(error, FileNotFoundError):
        return PromptSourceError("there is no such file", where=str(path), fix="check the path")
    if path.is_dir():
        return PromptSourceError("this is a folder, not a file", where=str(path), fix="name a file of prompts in it")
    return PromptSourceError(
        f"the file cannot be read: {error.strerror or error}", where=str(path), fix="check its permissions"
    )
