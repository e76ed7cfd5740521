"""One source of prompts: `scan` checks it whole before a run begins, `read` streams it. Errors name source and row.

A source is a file, or a dataset of the Hub; what its columns mean is in its settings. How several are mixed is in
`mixture.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cai.config.prompts import SourceConfig
from cai.data.hub import hub_rows, is_hub_name
from cai.data.mapping import RowMapping
from cai.data.readers import READERS, parquet_rows
from cai.data.rows import RawRow, prompt_of
from cai.errors import PromptSourceError
from cai.records import Prompt
from cai.resources import prompts_path
from cai.store.fingerprint import file_sha256

_HUB = "hub"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a checked source holds.

    `count` prompts (duplicates included), of which `multi_turn` have more than one user turn and `with_hazard` name a
    hazard; `format` is the suffix by which it was read, or `hub`; `sha256` is that of the file as it lies on disk, and
    None for a dataset of the Hub.
    """

    path: str
    format: str
    count: int
    multi_turn: int
    with_hazard: int
    sha256: str | None


def scan(source: SourceConfig | Path) -> SourceInfo:
    """Read a source once, in constant memory (but for .json), and check every row.

    Raises:
        PromptSourceError: The source or a row is not usable, or there is no prompt at all.
        StorageError: The file cannot be read again for its checksum.
    """
    config = _config(source)
    count = multi_turn = with_hazard = 0
    for prompt in read(config):
        count += 1
        multi_turn += sum(message.role == "user" for message in prompt.messages) > 1
        with_hazard += prompt.hazard is not None
    if count == 0:
        raise no_prompt(config.path)
    if is_hub_name(config.path):
        return SourceInfo(config.path, _HUB, count, multi_turn, with_hazard, None)
    path = prompts_path(config.path)
    return SourceInfo(str(path), format_of(path), count, multi_turn, with_hazard, file_sha256(path))


def read(source: SourceConfig | Path) -> Iterator[Prompt]:
    """The prompts of a source, in its order, as a stream; duplicates are kept.

    `source` of each is the file's or the dataset's name and the line (JSON lines, CSV, text) or the row (JSON, Parquet,
    Hub), from 1.

    Raises:
        PromptSourceError: The source or a row is not usable.
    """
    return _prompts(_config(source))


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


def no_prompt(where: str) -> PromptSourceError:
    """There is nothing to answer."""
    return PromptSourceError("the file holds no prompt", where=where, fix="write at least one")


def _config(source: SourceConfig | Path) -> SourceConfig:
    return SourceConfig(path=str(source)) if isinstance(source, Path) else source


def _prompts(config: SourceConfig) -> Iterator[Prompt]:
    mapping = RowMapping(config)
    if is_hub_name(config.path):
        rows, place, name, suffix = hub_rows(config.path), config.path, config.path, _HUB
    else:
        path = prompts_path(config.path)
        rows, place, name, suffix = _file_rows(path, mapping), str(path), path.name, format_of(path)
    flat = suffix.startswith(".csv")
    count = 0
    for row in islice(rows, config.limit):
        count += 1
        ours = mapping.row(row, f"{place}:{row.number}", flat=flat)
        yield mapping.tagged(prompt_of(ours, place, name, flat=flat))
    # In JSON a row that was not read may have what those before it lack.
    if not suffix.startswith(".json") or config.limit is None or count < config.limit:
        mapping.check_seen()


def _file_rows(path: Path, mapping: RowMapping) -> Iterator[RawRow]:
    suffix = format_of(path)
    try:
        yield from parquet_rows(path, mapping.pick) if suffix == ".parquet" else READERS[suffix](path)
    except OSError as error:
        raise _unreadable(error, path) from None


def _unreadable(error: OSError, path: Path) -> PromptSourceError:
    if isinstance(error, FileNotFoundError):
        return PromptSourceError("there is no such file", where=str(path), fix="check the path")
    if path.is_dir():
        return PromptSourceError("this is a folder, not a file", where=str(path), fix="name a file of prompts in it")
    return PromptSourceError(
        f"the file cannot be read: {error.strerror or error}", where=str(path), fix="check its permissions"
    )
