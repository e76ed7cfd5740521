"""The folder of a training: what may lie in it, what a resumed training is held to, what is left at the end."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai.config.training import SftTraining
from cai.errors import StorageError, UsageError
from cai.training.output import ResumeMode, TrainingFolder

START = {"model": "abc", "data": ["def"]}


def settings(**changes: Any) -> SftTraining:
    return SftTraining.model_validate({"model": "m", "data": [{"path": "d"}], **changes})


def begun(path: Path, checkpoint: bool = True, **changes: Any) -> TrainingFolder:
    """A training that was stopped after step 3."""
    folder = TrainingFolder.open(path, settings(**changes), "if_possible")
    folder.begin(settings(**changes), START)
    if checkpoint:
        state = folder.checkpoints / "checkpoint-3" / "trainer_state.json"
        state.parent.mkdir()
        state.write_text("{}")
    return folder


@pytest.mark.parametrize("resume", ["never", "if_possible"])
def test_a_new_folder_is_made_and_notes_its_settings(tmp_path: Path, resume: ResumeMode) -> None:
    folder = TrainingFolder.open(tmp_path / "a" / "b", settings(), resume)
    folder.begin(settings(), START)
    assert json.loads(folder.config_path.read_text()) == settings().model_dump(mode="json")
    assert folder.summary() is None and folder.last_checkpoint() is None


def test_a_training_goes_on_with_the_same_settings(tmp_path: Path) -> None:
    folder = begun(tmp_path / "out")
    modes: tuple[ResumeMode, ...] = ("if_possible", "always")
    for resume in modes:
        again = TrainingFolder.open(tmp_path / "out", settings(log_steps=7, micro_batch_size=1), resume)
        again.begin(settings(), START)
        assert again.last_checkpoint() == folder.checkpoints / "checkpoint-3"


def test_other_settings_need_another_folder(tmp_path: Path) -> None:
    begun(tmp_path / "out")
    with pytest.raises(UsageError, match=r"other settings is here already \(epochs, learning_rate\)"):
        TrainingFolder.open(tmp_path / "out", settings(epochs=2, learning_rate=1.0), "if_possible")
    with pytest.raises(UsageError, match="a training is here already"):
        TrainingFolder.open(tmp_path / "out", settings(), "never")


def test_a_training_without_a_checkpoint_leaves_nothing_to_protect(tmp_path: Path) -> None:
    begun(tmp_path / "out", checkpoint=False)
    modes: tuple[ResumeMode, ...] = ("never", "if_possible")
    for resume in modes:
        TrainingFolder.open(tmp_path / "out", settings(epochs=2), resume)


def test_changed_data_or_another_model_are_not_gone_on_with(tmp_path: Path) -> None:
    folder = begun(tmp_path / "out")
    with pytest.raises(UsageError, match="data changed since this training began"):
        folder.begin(settings(), {**START, "data": ["other"]})
    with pytest.raises(UsageError, match="model and data changed"):
        folder.begin(settings(), {"model": "x", "data": ["other"]})


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match=r"holds no training \(it holds thesis\.txt\)"):
        TrainingFolder.open(tmp_path, settings(), "if_possible")
    with pytest.raises(UsageError, match="no training to resume"):
        TrainingFolder.open(tmp_path, settings(), "always")
    with pytest.raises(UsageError, match="a file, not a folder"):
        TrainingFolder.open(tmp_path / "thesis.txt", settings(), "if_possible")


def test_a_torn_checkpoint_does_not_count(tmp_path: Path) -> None:
    folder = begun(tmp_path / "out")
    for step, text in ((20, '{"step'), (100, None)):
        torn = folder.checkpoints / f"checkpoint-{step}"
        torn.mkdir()
        if text is not None:
            (torn / "trainer_state.json").write_text(text)
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-3"
    (folder.checkpoints / "checkpoint-100" / "trainer_state.json").write_text("{}")
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-100"


def test_metrics_after_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    folder = begun(tmp_path / "out")
    assert folder.keep_metrics_until(2) == {}
    rows = [{"step": step, "loss": 1.0} for step in (1, 2, 3)]
    folder.metrics_path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 4, "lo')
    assert folder.keep_metrics_until(2) == rows[1]
    assert [json.loads(line) for line in folder.metrics_path.read_text().splitlines()] == rows[:2]


@pytest.mark.parametrize("keep", [False, True])
def test_the_summary_comes_last_and_checkpoints_go(tmp_path: Path, keep: bool) -> None:
    folder = begun(tmp_path / "out")
    folder.finish({"steps": 3}, keep_checkpoints=keep)
    assert folder.summary() == {"schema_version": 1, "steps": 3}
    assert folder.checkpoints.exists() == keep


def test_a_broken_summary_is_an_error(tmp_path: Path) -> None:
    folder = begun(tmp_path / "out")
    folder.summary_path.write_text("[1]")
    with pytest.raises(StorageError, match="not a JSON object"):
        folder.summary()
