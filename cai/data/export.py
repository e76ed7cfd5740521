"""The journal's latest session to datasets on disk: a pure, sorted function of the journal, byte for byte.

The folder `datasets/` is replaced as a whole. The new one is built beside it as `.datasets.new` and synced; then the
old one is renamed to `.datasets.old`, the new one to `datasets`, and the old one is removed. A kill between the two
renames leaves no `datasets/`, but both complete folders: the next export begins by putting the old one back.
"""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from cai.config.stages import GenerateConfig
from cai.data.card import SPLITS, Tally, preference_card, sft_card
from cai.data.finished import finished_records
from cai.data.left_out import LeftOut
from cai.data.shards import ROWS_PER_SHARD, ShardWriter
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA, Provenance, preference_rows, sft_rows
from cai.store.atomic import make_folder, reporting, sync_folder, write_text
from cai.store.reader import JournalReader
from cai.store.run_dir import RunDir


@dataclass(frozen=True, slots=True)
class DatasetCounts:
    """Rows written, and rows left out by their reasons; `records` are finished trajectories.

    `masked` are rows of both datasets in which personal data was masked.
    """

    records: int
    sft_train: int
    sft_eval: int
    preference_train: int
    preference_eval: int
    sft_left_out: dict[str, int] = field(default_factory=dict)
    preference_left_out: dict[str, int] = field(default_factory=dict)
    masked: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        return asdict(self)


def export_datasets(
    journal: JournalReader,
    run: RunDir,
    config: GenerateConfig,
    origin: Provenance,
    *,
    requests: Iterable[str] = (),
    rows_per_shard: int = ROWS_PER_SHARD,
) -> DatasetCounts:
    """Write both datasets from the finished trajectories of the latest session, in place of an earlier export.

    Only outcomes under the session's own plan count; what is owed, filtered or failed gives no row, and rows that a
    row filter drops are counted. Memory does not grow with the number of records.

    Args:
        journal: The journal, with or without a writer.
        run: Where `datasets/` goes.
        config: The settings under which the records were made.
        origin: Constitution and model, for the provenance columns and the cards.
        requests: Texts whose sentences no answer may repeat, such as the constitution's requests.
        rows_per_shard: Rows in one Parquet file.

    Raises:
        ConfigError: A row filter's library is not installed.
        StorageError: The journal cannot be read, a file cannot be written, or a finished record lacks a step; the
            earlier export, if any, stays.
    """
    _put_back(run)
    building = run.path / ".datasets.new"
    _remove(building)
    try:
        filters = LeftOut(config, requests), LeftOut(config, requests)
        counts = _build(journal, building, config, origin, filters, rows_per_shard)
    except BaseException:
        # What a failed export wrote only takes space, perhaps the space that it lacked.
        _remove(building)
        raise
    _swap(run, building)
    return counts


def _build(
    journal: JournalReader,
    building: Path,
    config: GenerateConfig,
    origin: Provenance,
    filters: tuple[LeftOut, LeftOut],
    rows_per_shard: int,
) -> DatasetCounts:
    folders = {"sft": building / "sft", "preferences": building / "preferences"}
    for folder in folders.values():
        make_folder(folder)
    sft_filter, preference_filter = filters
    sft, preferences = Tally(left_out=sft_filter.reasons), Tally(left_out=preference_filter.reasons)
    records = 0
    session = journal.latest_session()
    with ExitStack() as stack:
        sft_out = _writers(stack, folders["sft"], SFT_SCHEMA, rows_per_shard)
        preference_out = _writers(stack, folders["preferences"], PREFERENCE_SCHEMA, rows_per_shard)
        for record in finished_records(journal, session.number if session else 0):
            records += 1
            split = "eval" if record.split == "eval" else "train"
            if record.split != "preference":
                for row in sft_filter.sft(sft_rows(record, config, origin), record):
                    sft_out[split].add(row)
                    sft.add_sft(split, row)
            if record.split != "sft":
                for pair in preference_filter.preferences(preference_rows(record, origin), record):
                    preference_out[split].add(pair)
                    preferences.add_preference(split, pair)
        _finish(sft_out)
        _finish(preference_out)
    write_text(folders["sft"] / "README.md", sft_card(sft, origin))
    write_text(folders["preferences"] / "README.md", preference_card(preferences, origin))
    return DatasetCounts(
        records=records,
        sft_train=sft.rows["train"],
        sft_eval=sft.rows["eval"],
        preference_train=preferences.rows["train"],
        preference_eval=preferences.rows["eval"],
        sft_left_out=dict(sorted(sft_filter.reasons.items())),
        preference_left_out=dict(sorted(preference_filter.reasons.items())),
        masked=sft_filter.masked + preference_filter.masked,
    )


def _writers(stack: ExitStack, folder: Path, schema: pa.Schema, rows_per_shard: int) -> dict[str, ShardWriter]:
    return {split: stack.enter_context(ShardWriter(folder, split, schema, rows_per_shard)) for split in SPLITS}


def _finish(writers: dict[str, ShardWriter]) -> None:
    """An empty split gets no file, for `datasets` cannot load one; a dataset without any rows gets its schema."""
    nothing = not any(writer.rows for writer in writers.values())
    for split, writer in writers.items():
        writer.finish(even_if_empty=nothing and split == "train")


def _swap(run: RunDir, building: Path) -> None:
    old = _old(run)
    _remove(old)
    with reporting(run.datasets):
        for folder in (building / "sft", building / "preferences", building):
            sync_folder(folder)
        if run.datasets.exists():
            run.datasets.rename(old)
        building.rename(run.datasets)
        sync_folder(run.path)
    _remove(old)


def _put_back(run: RunDir) -> None:
    """Repair what a kill between the two renames of an earlier export left."""
    old = _old(run)
    if old.exists() and not run.datasets.exists():
        with reporting(run.datasets):
            old.rename(run.datasets)


def _old(run: RunDir) -> Path:
    return run.path / ".datasets.old"


def _remove(folder: Path) -> None:
    with reporting(folder):
        if folder.exists():
            shutil.rmtree(folder)
