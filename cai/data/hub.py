"""Datasets of the Hugging Face Hub, or folders laid out like one, as streams of rows. It knows no prompts.

This is the only module outside training that knows the `datasets` package, which is loaded when a dataset is read.
Rows are streamed: nothing is downloaded but what is read.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cai.data.rows import RawRow
from cai.errors import PromptSourceError

if TYPE_CHECKING:
    from types import ModuleType

PREFIX = "hf:"
FORM = "hf:ORG/NAME[/FOLDER][@REVISION][:CONFIG][#SPLIT]"
_NAME = re.compile(r"hf:(?P<path>[^@:#]+)(?:@(?P<revision>[^:#]+))?(?::(?P<config>[^#]+))?(?:#(?P<split>.+))?")
_SAFE_FORMATS = ("parquet", "json", "csv", "text", "arrow")
"""Formats that hold data only; others, such as pickles, can run code."""
_DEFAULT_SPLIT = "train"


class HubName(NamedTuple):
    """A dataset as a user writes it; `repository` is a name on the Hub or a folder on disk."""

    repository: str
    folder: str | None
    revision: str | None
    config: str | None
    split: str


def is_hub_name(path: str) -> bool:
    """Whether a path names a dataset and not a file."""
    return path.startswith(PREFIX)


def hub_name(path: str) -> HubName:
    """Take a name apart.

    Raises:
        PromptSourceError: It is not of the form.
    """
    found = _NAME.fullmatch(path)
    if found is None:
        raise PromptSourceError("this is not a name of a dataset", where=path, fix=f"write it as {FORM}")
    place, split = found["path"], found["split"] or _DEFAULT_SPLIT
    if place.startswith((".", "/", "~")):
        return HubName(str(Path(place).expanduser()), None, found["revision"], found["config"], split)
    parts = place.strip("/").split("/")
    return HubName("/".join(parts[:2]), "/".join(parts[2:]) or None, found["revision"], found["config"], split)


def hub_rows(path: str) -> Iterator[RawRow]:
    """Rows of a dataset, numbered from 1.

    Args:
        path: Its name, of the form `hf:ORG/NAME[/FOLDER][@REVISION][:CONFIG][#SPLIT]`.

    Raises:
        PromptSourceError: There is no such dataset, configuration or split, it cannot be reached or read, or the
            package that reads it is not installed.
    """
    name = hub_name(path)
    datasets = _package(path)
    builder = _builder(datasets, name, path)
    splits = list(builder.config.data_files or {})
    if name.split not in splits:
        known = ", ".join(str(split) for split in splits) or "none"
        raise PromptSourceError(
            f"there is no split {name.split!r}", where=path, fix=f"write #SPLIT after the name; it has {known}"
        )
    number = 0
    try:
        for values in builder.as_streaming_dataset(split=name.split):
            number += 1
            yield RawRow(number, values)
    except Exception as error:
        raise _unreadable(error, f"{path}:{number + 1}") from error


def _package(path: str) -> "ModuleType":
    try:
        import datasets
    except ImportError:
        raise PromptSourceError(
            "the package datasets, which reads datasets of the Hub, is not installed",
            where=path,
            fix='pip install "constitutional-ai[hub]", or download the dataset and name its file',
        ) from None
    # Bars of its own would run through ours, and what it logs is said by our errors.
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    loaded: ModuleType = datasets
    return loaded


def _builder(datasets: "ModuleType", name: HubName, path: str) -> Any:
    if name.repository.startswith((".", "/")) and not Path(name.repository).is_dir():
        raise PromptSourceError("there is no such folder", where=path, fix="check the path after hf:")
    try:
        builder = datasets.load_dataset_builder(
            name.repository, name=name.config, data_dir=name.folder, revision=name.revision
        )
    except Exception as error:
        raise _unreadable(error, path) from error
    if builder.name not in _SAFE_FORMATS:
        raise PromptSourceError(
            f"its data are of the format {builder.name}, which is not read here: it may run code, or is no text",
            where=path,
            fix=f"use a dataset in one of {', '.join(_SAFE_FORMATS)}",
        )
    return builder


def _unreadable(error: Exception, where: str) -> PromptSourceError:
    """What the package or the network said, in a line."""
    said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    kind = type(error).__name__
    if kind == "DatasetNotFoundError":
        return PromptSourceError(
            "there is no such dataset, or it is private or gated",
            where=where,
            fix="check the name; log in with `hf auth login`",
        )
    if kind == "DataFilesNotFoundError":
        fix = f"only {', '.join(_SAFE_FORMATS)} are read"
        return PromptSourceError("it holds no file that can be read", where=where, fix=fix)
    if isinstance(error, OSError) or "Offline" in kind or "Connect" in kind:
        return PromptSourceError(
            f"the dataset cannot be reached: {said}",
            where=where,
            fix="check the network, or name a folder: hf:./FOLDER",
        )
    return PromptSourceError(f"not readable as a dataset: {said}", where=where, fix=f"check the name: {FORM}")
