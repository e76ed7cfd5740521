"""Where training data lie: run directories, folders of Parquet shards, single files. It knows no model and no token."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cai.config.training import DataSource
from cai.data.readers import jsonl_rows
from cai.errors import DatasetError, PromptSourceError
from cai.records import content_hash
from cai.store.fingerprint import file_sha256
from cai.training.rows import COLUMNS, Example, Kind, examples_of

HELD_OUT = ("eval-", "test-", "validation-")
"""Shards whose name begins so are measured on, never trained on."""

_TABLES = {"sft": "sft", "reward": "preferences", "dpo": "preferences", "kto": "preferences"}
_SUFFIXES = (".parquet", ".jsonl")
_BATCH_ROWS = 1024


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of one source, each list by name."""

    path: str
    weight: float
    train: tuple[Path, ...]
    heldout: tuple[Path, ...]

    def fingerprint(self) -> str:
        """Hash of what the files hold and which of them are held out; their folder's name does not go in.

        Raises:
            StorageError: A file cannot be read.
        """
        return content_hash(*([file_sha256(file) for file in files] for files in (self.train, self.heldout)))


def find_source(source: DataSource, kind: Kind) -> SourceFiles:
    """The files of a source.

    Raises:
        DatasetError: There is nothing at this path, or nothing that can be read.
    """
    path = Path(source.path)
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            what = f"training data cannot be read from a {path.suffix or 'file without a suffix'}"
            raise DatasetError(what, where=str(path), fix=f"use one of {', '.join(_SUFFIXES)}")
        return SourceFiles(source.path, source.weight, (path,), ())
    if not path.is_dir():
        raise DatasetError("there is no such file or folder", where=str(path), fix="check the path")
    folder = _folder(path, kind)
    files = sorted(folder.glob("*.parquet"))
    train = tuple(file for file in files if not file.name.startswith(HELD_OUT))
    if not train:
        raise _no_shards(path, folder, kind)
    return SourceFiles(source.path, source.weight, train, tuple(file for file in files if file not in train))


def read_examples(files: tuple[Path, ...], kind: Kind) -> Iterator[Example]:
    """All examples of some files, in their order, as a stream.

    Raises:
        DatasetError: A file or a row is not usable; says where, and what to do.
    """
    for file in files:
        try:
            if file.suffix == ".parquet":
                yield from _parquet(file, kind)
            else:
                for row in jsonl_rows(file):
                    yield from examples_of(kind, row.values, f"{file}:{row.number}")
        except PromptSourceError as error:
            raise DatasetError(error.what, where=error.where, fix=error.fix) from None


def _folder(path: Path, kind: Kind) -> Path:
    """Where the shards lie: in the datasets of a run, in what people said of a run (RUN/feedback), or just here."""
    if _is_run(path):
        return path / "datasets" / _TABLES[kind]
    return path / "preferences" if (path / "judgements.db").is_file() and kind != "sft" else path


def _is_run(path: Path) -> bool:
    return (path / "journal.db").is_file() or (path / "datasets").is_dir()


def _no_shards(path: Path, folder: Path, kind: Kind) -> DatasetError:
    if _is_run(path):
        fix = "let `cai generate` finish: it writes the datasets at its end"
        return DatasetError(f"the run has no rows for training in datasets/{folder.name}", where=str(path), fix=fix)
    if (path / "judgements.db").is_file() and kind != "sft":
        fix = "give the last `cai feedback import` again: it writes the rows at its end"
        return DatasetError("this human feedback has no rows for training", where=str(path), fix=fix)
    tables = [name for name in ("sft", "preferences") if (path / name).is_dir()]
    fix = f"name one of {', '.join(tables)} in it" if tables else "name a run directory, or a folder of Parquet shards"
    return DatasetError(f"the folder has no Parquet files to train on ({kind})", where=str(path), fix=fix)


def _parquet(file: Path, kind: Kind) -> Iterator[Example]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file) as table:
            known = [name for name in table.schema_arrow.names if name in COLUMNS]
            # With none of ours, the names of all make the message that helps.
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=known or None):
                for values in batch.to_pylist():
                    number += 1
                    yield from examples_of(kind, values, f"{file}:{number}")
    except (pa.ArrowException, UnicodeDecodeError) as error:
        what = f"not readable as Parquet: {str(error).splitlines()[0]}"
        raise DatasetError(what, where=str(file), fix="write the file again") from None
