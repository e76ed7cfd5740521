"""Where rows in our columns lie: in a run, the stage of a recipe, a folder of shards, or a file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cai.data.card import SANDBOX_MODEL
from cai.data.formats.base import SPLITS, NewRow, Source
from cai.data.formats.provenance import RL_COLUMNS
from cai.data.formats.rows import Dataset, columns_of, read_rows
from cai.errors import DatasetError

_SUFFIXES = (".parquet", ".jsonl")
_HELD_OUT = re.compile(r"(eval|test|validation)\b")
"""A file whose name begins so belongs to the split `eval`."""

DATASETS: tuple[Dataset, ...] = ("sft", "preferences")


@dataclass(frozen=True, slots=True)
class RowFiles:
    """The files of each dataset, by split and name; a dataset or split without files is absent."""

    path: Path
    files: Mapping[Dataset, Mapping[str, tuple[Path, ...]]]

    @property
    def is_sandbox(self) -> bool:
        """Whether the sandbox's model wrote the rows, as the cards beside them tell."""
        folders = {file.parent for splits in self.files.values() for files in splits.values() for file in files}
        cards = [folder / "README.md" for folder in folders if (folder / "README.md").is_file()]
        return any(f"`{SANDBOX_MODEL}`" in card.read_text(encoding="utf-8", errors="replace") for card in cards)

    def has(self, source: Source) -> bool:
        """Whether there are files with such rows."""
        return bool(self.files) if source == "prompts" else source in self.files

    def read(self, source: Source) -> Iterator[tuple[str, NewRow]]:
        """The rows of a source with their split, those to train on first.

        Raises:
            DatasetError: A file or a row is not usable.
        """
        if source == "prompts":
            yield from self._prompts()
            return
        for split in SPLITS:
            for file in self.files.get(source, {}).get(split, ()):
                for row in read_rows(file, source):
                    yield split, row

    def _prompts(self) -> Iterator[tuple[str, NewRow]]:
        """The prompts of both datasets, each once: where its first row is. Only their ids are kept in memory."""
        seen: set[str] = set()
        for wanted in SPLITS:
            for dataset in DATASETS:
                for file in self.files.get(dataset, {}).get(wanted, ()):
                    for row in read_rows(file, dataset):
                        if row["prompt_id"] not in seen:
                            seen.add(row["prompt_id"])
                            yield wanted, {name: row[name] for name in ("prompt", *RL_COLUMNS)}


def find_rows(path: Path) -> RowFiles:
    """The files of rows under a path.

    Args:
        path: A run directory (also the one that a stage of a recipe made), a folder of Parquet shards or JSON lines,
            or one such file.

    Raises:
        DatasetError: There is nothing at this path, or nothing in our columns.
    """
    if not path.exists():
        raise DatasetError("there is no such file or folder", where=str(path), fix="check the path")
    if path.is_file():
        files = [path]
        if path.suffix not in _SUFFIXES:
            what = f"rows cannot be read from a {path.suffix or 'file without a suffix'}"
            raise DatasetError(what, where=str(path), fix=f"use one of {', '.join(_SUFFIXES)}")
    else:
        files = [file for folder in _folders(path) for file in sorted(folder.iterdir()) if file.suffix in _SUFFIXES]
    found: dict[Dataset, dict[str, tuple[Path, ...]]] = {}
    for file in files:
        dataset = _dataset_of(file)
        if dataset is not None:
            splits = found.setdefault(dataset, {})
            split = "eval" if _HELD_OUT.match(file.name) else "train"
            splits[split] = (*splits.get(split, ()), file)
    if not found:
        raise _nothing(path)
    return RowFiles(path, {name: found[name] for name in DATASETS if name in found})


def _folders(path: Path) -> list[Path]:
    """The folders that may hold the files: those of a run's datasets, of a datasets folder, or the folder itself."""
    for root in (path / "datasets", path):
        parts = [root / name for name in DATASETS if (root / name).is_dir()]
        if parts:
            return parts
    return [path]


def _dataset_of(file: Path) -> Dataset | None:
    names = set(columns_of(file))
    if {"prompt", "chosen", "rejected"} <= names:
        return "preferences"
    return "sft" if {"prompt", "completion"} <= names else None


def _nothing(path: Path) -> DatasetError:
    if (path / "journal.db").is_file():
        fix = "let `cai generate` finish: it writes the datasets at its end"
        return DatasetError("the run has no datasets", where=str(path), fix=fix)
    stages = sorted(child.name for child in path.iterdir() if (child / "datasets").is_dir()) if path.is_dir() else []
    if stages:
        what = "this folder is a recipe's, with the datasets of several stages"
        return DatasetError(what, where=str(path), fix=f"name one of them: {', '.join(stages)}")
    what = "there are no rows with `prompt` and `completion`, or `prompt`, `chosen` and `rejected`"
    return DatasetError(what, where=str(path), fix="name a run directory, or files in the columns of its datasets")
