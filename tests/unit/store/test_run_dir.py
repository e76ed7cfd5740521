"""A run directory is taken only when it fits, and its manifest finds every change."""

import json
from pathlib import Path

import pytest

from cai.errors import StorageError, UsageError
from cai.store.journal import Journal
from cai.store.run_dir import FileProblem, ResumeMode, RunDir, versions


def a_run(path: Path) -> RunDir:
    run = RunDir.open(path, "never")
    Journal.open(run.journal_path).close()
    return run


@pytest.mark.parametrize("mode", ["never", "if_possible"])
def test_a_new_or_empty_folder_becomes_a_run(tmp_path: Path, mode: ResumeMode) -> None:
    (tmp_path / "empty").mkdir()
    assert RunDir.open(tmp_path / "empty", mode).logs.is_dir()
    assert RunDir.open(tmp_path / "deep" / "new", mode).path.is_dir()


def test_a_run_is_resumed_only_where_that_was_asked(tmp_path: Path) -> None:
    a_run(tmp_path / "run")
    assert RunDir.open(tmp_path / "run", "if_possible").is_run
    assert RunDir.open(tmp_path / "run", "always").is_run
    assert RunDir.existing(tmp_path / "run").is_run
    with pytest.raises(UsageError, match="a run is here already") as caught:
        RunDir.open(tmp_path / "run", "never")
    assert caught.value.exit_code == 2


def test_always_needs_a_journal_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run to resume"):
        RunDir.open(tmp_path / "run", "always")
    with pytest.raises(UsageError, match="no run here"):
        RunDir.existing(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("mode", ["never", "if_possible", "always"])
def test_a_folder_with_other_things_is_never_taken(tmp_path: Path, mode: ResumeMode) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError):
        RunDir.open(tmp_path, mode)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("mode", ["never", "if_possible"])
def test_a_start_that_was_stopped_before_its_journal_can_begin_again(tmp_path: Path, mode: ResumeMode) -> None:
    RunDir.open(tmp_path).write_config({"a": 1})
    (tmp_path / "lock").touch()
    (tmp_path / ".config.json.0123abcd.tmp").touch()
    RunDir.open(tmp_path, mode)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="a file, not a folder"):
        RunDir.open(tmp_path / "file")


def test_the_manifest_finds_changed_missing_and_extra_files(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    run.write_config({"b": 1, "a": "ä"})
    run.sft.mkdir(parents=True)
    for name in "xyz":
        (run.sft / name).write_text(name)
    run.write_manifest({"config": "abc"}, {"prompts": 3})
    assert run.verify() == ()
    manifest = run.read_manifest()
    assert manifest["fingerprints"] == {"config": "abc"}
    assert manifest["counts"] == {"prompts": 3}
    assert set(manifest["files"]) == {"config.json", "datasets/sft/x", "datasets/sft/y", "datasets/sft/z"}
    assert manifest["files"]["datasets/sft/x"]["bytes"] == 1
    (run.sft / "x").write_text("X")
    (run.sft / "y").unlink()
    (run.sft / "new").touch()
    run.config_path.write_text("{}")
    assert run.verify() == (
        FileProblem("config.json", "changed"),
        FileProblem("datasets/sft/new", "not in the manifest"),
        FileProblem("datasets/sft/x", "changed"),
        FileProblem("datasets/sft/y", "missing"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not a manifest"), ("[]", "not a manifest"), ('{"schema_version": 9, "files": {}}', "unk")],
)
def test_a_broken_manifest_is_a_storage_error(tmp_path: Path, text: str, words: str) -> None:
    run = a_run(tmp_path)
    run.manifest_path.write_text(text)
    with pytest.raises(StorageError, match=words):
        run.verify()


def test_a_missing_manifest_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        RunDir(tmp_path).verify()


def test_config_and_versions_are_json(tmp_path: Path) -> None:
    run = RunDir.open(tmp_path)
    run.write_config({"b": 1, "a": "ä"})
    assert run.config_path.read_text(encoding="utf-8") == '{\n  "a": "ä",\n  "b": 1\n}\n'
    assert {"cai", "python", "sqlite", "pyarrow"} <= versions().keys()
    assert json.dumps(versions())
