"""From rows in our columns to a folder that a trainer reads: data, settings, README and a list of what is there.

The folder is built beside its place and renamed, so that it is whole or absent.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.data.formats.base import DatasetFormat, FormatName, What
from cai.data.formats.build import FORMATS, build_format
from cai.data.formats.readme import folder_readme, table_readme
from cai.data.formats.source import RowFiles
from cai.data.formats.write import TableCounts, write_table
from cai.errors import DatasetError, UsageError
from cai.store.atomic import make_folder, reporting, sync_folder, write_text

LIST = "export.json"
"""What is in an export; a folder that has it is one, and may be replaced."""

DEFAULT: tuple[What, ...] = ("sft", "preferences")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written where."""

    path: Path
    format: FormatName
    tables: Mapping[What, TableCounts]
    settings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for scripts and for `export.json`."""
        tables = {
            what: {
                "rows": dict(counts.rows),
                "files": counts.files,
                "left_out": {split: dict(reasons) for split, reasons in counts.left_out.items()},
            }
            for what, counts in self.tables.items()
        }
        return {"format": self.format, "tables": tables, "settings": list(self.settings)}


def export_rows(
    source: RowFiles, name: FormatName, what: Iterable[What] | None, out: Path, *, force: bool = False
) -> Exported:
    """Write a folder for one trainer.

    Args:
        source: The rows.
        name: The trainer.
        what: Kinds of data; None for SFT and preferences, as far as there are rows.
        out: The folder; new or empty.
        force: Replace an earlier export there.

    Raises:
        UsageError: The format has no such data, or the folder is in use.
        DatasetError: There are no such rows, or a row is not usable.
        StorageError: A file cannot be written; what was there before stays.
    """
    format_ = build_format(name)
    wanted = _wanted(format_, source, what)
    _check_place(out, force=force)
    place = out.resolve()
    building = place.with_name(f".{place.name}.new")
    _remove(building)
    try:
        done = _build(format_, source, wanted, building)
        _swap(building, place)
    except BaseException:
        # What a failed export wrote only takes space, perhaps the space that it lacked.
        _remove(building)
        raise
    return Exported(out, name, done.tables, done.settings)


def _wanted(format_: DatasetFormat, source: RowFiles, what: Iterable[What] | None) -> tuple[What, ...]:
    tables = format_.tables
    if what is None:
        return tuple(kind for kind in DEFAULT if source.has(tables[kind].source))
    wanted = tuple(dict.fromkeys(what))
    for kind in wanted:
        if kind not in tables:
            having = ", ".join(other for other in FORMATS if kind in build_format(other).tables)
            fix = f"choose from {', '.join(tables)}, or a format that has it: {having}"
            raise UsageError(f"{format_.name} takes no data of the kind `{kind}`", where="--what", fix=fix)
        if not source.has(tables[kind].source):
            what_is = f"there are no rows for `{kind}`, which is made of the {tables[kind].source} dataset"
            raise DatasetError(what_is, where=str(source.path), fix="leave it out, or name another run")
    return wanted


def _check_place(out: Path, *, force: bool) -> None:
    with reporting(out):
        if out.exists() and not out.is_dir():
            raise UsageError("this is a file, not a folder", where=str(out), fix="choose another folder")
        names = [entry.name for entry in out.iterdir()] if out.exists() else []
    if not names:
        return
    if LIST not in names:
        what = f"the folder is not empty and holds no export (it holds {', '.join(sorted(names)[:3])})"
        raise UsageError(what, where=str(out), fix="choose a new or empty folder")
    if not force:
        raise UsageError(
            "an export is here already", where=str(out), fix="choose a new folder, or replace it by --force"
        )


def _build(format_: DatasetFormat, source: RowFiles, wanted: tuple[What, ...], folder: Path) -> Exported:
    make_folder(folder)
    tables: dict[What, TableCounts] = {}
    for what in wanted:
        table = format_.tables[what]
        tables[what] = write_table(table, source.read(table.source), folder / what)
        if table.schema is not None and tables[what].files:
            write_text(folder / what / "README.md", table_readme(what, tables[what]))
    settings = format_.settings({what: counts.files for what, counts in tables.items() if counts.files})
    for name, text in settings.items():
        write_text(folder / name, text)
    done = Exported(folder, format_.name, tables, tuple(settings))
    write_text(folder / "README.md", folder_readme(format_, tables, settings, sandbox=source.is_sandbox))
    write_text(folder / LIST, json.dumps(done.to_dict(), ensure_ascii=False, indent=2) + "\n")
    with reporting(folder):
        for what in wanted:
            sync_folder(folder / what)
        sync_folder(folder)
    return done


def _swap(building: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    _remove(old)
    with reporting(out):
        if out.exists():
            out.rename(old)
        building.rename(out)
        sync_folder(out.parent)
    _remove(old)


def _remove(folder: Path) -> None:
    with reporting(folder):
        if folder.exists():
            shutil.rmtree(folder)
