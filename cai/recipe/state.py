"""What has become of each stage: `run.json` in the recipe's folder, written whole after each change.

Other programs read it too (`cai status`, `cai report`), so its keys are a contract.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from cai.errors import StorageError, UsageError
from cai.store.atomic import reporting, write_text

FILE = "run.json"
SCHEMA_VERSION = 1

Status = Literal["pending", "done", "reused", "failed"]


@dataclass(frozen=True, slots=True)
class StageState:
    """One stage.

    `status`: `pending` if it is owed (never begun, stopped, or made from what is being made anew), `done` or `reused`
    as the last session that came to it ran it or found it unchanged, `failed` if it ended with an error.
    `fingerprint` and `parts` are of what was begun last; that came to its end only if there is a `finished_at`
    (ISO 8601, UTC).
    """

    name: str
    kind: str
    status: Status = "pending"
    seconds: float | None = None
    fingerprint: str | None = None
    out: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    started_at: str | None = None
    finished_at: str | None = None
    note: str | None = None

    @property
    def begun(self) -> bool:
        """Whether the stage's folder is one that this recipe has made."""
        return self.started_at is not None


@dataclass
class RecipeState:
    """All stages by name, and the file that keeps them."""

    folder: Path
    pipeline: str
    stages: dict[str, StageState]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What an earlier session left; None if there was none.

        Raises:
            StorageError: The file cannot be read, or is not one of ours.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        with reporting(path):
            text = path.read_text(encoding="utf-8", errors="replace")
        try:
            row = json.loads(text)
            if row["schema_version"] != SCHEMA_VERSION:
                raise StorageError(
                    "this file has an unknown format", where=str(path), fix="use the version that wrote it"
                )
            stages = [StageState(**stage) for stage in row["stages"]]
            return cls(folder, row["pipeline"], {stage.name: stage for stage in stages})
        except (ValueError, KeyError, TypeError):
            raise StorageError(
                "this is not the state of a recipe", where=str(path), fix="choose a new folder"
            ) from None

    @classmethod
    def opened(cls, folder: Path, pipeline: str, stages: Iterable[tuple[str, str]]) -> Self:
        """The state of a session that begins: what is known of each stage.

        Args:
            folder: The recipe's folder.
            pipeline: Name of the pipeline.
            stages: Name and kind of each stage, in order.

        Raises:
            UsageError: The folder is that of another pipeline.
            StorageError: The file cannot be read.
        """
        before = cls.read(folder)
        if before is not None and before.pipeline != pipeline:
            what = f"this folder holds a run of the pipeline `{before.pipeline}`, not of `{pipeline}`"
            raise UsageError(what, where=str(folder), fix="choose another folder")
        known = before.stages if before is not None else {}
        found = {name: known[name] if name in known else StageState(name, kind) for name, kind in stages}
        return cls(folder, pipeline, found)

    def put(self, name: str, **changes: Any) -> StageState:
        """Change what is known of a stage, and write it down.

        Raises:
            StorageError: The file cannot be written.
        """
        self.stages[name] = replace(self.stages[name], **changes)
        self.write()
        return self.stages[name]

    def owe(self, names: Iterable[str]) -> None:
        """Note that stages are owed, perhaps; written down with the next change."""
        for name in names:
            self.stages[name] = replace(self.stages[name], status="pending")

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            StorageError: It cannot be written.
        """
        row = {
            "schema_version": SCHEMA_VERSION,
            "pipeline": self.pipeline,
            "stages": [asdict(stage) for stage in self.stages.values()],
        }
        write_text(self.folder / FILE, json.dumps(row, ensure_ascii=False, indent=2) + "\n")
