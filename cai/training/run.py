"""From settings to a trained model: the one function that the command calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cai.config.training import TrainConfig
from cai.errors import RunInUse, UsageError
from cai.store.lock import RunLock
from cai.store.run_dir import versions
from cai.training.build import TRAINERS
from cai.training.card import write_card
from cai.training.data import load_data
from cai.training.output import ResumeMode, TrainingFolder, is_main_process
from cai.training.session import Session, quiet
from cai.training.setup import ModelFiles, check_names, longest_row
from cai.training.sources import find_source
from cai.training.stats import TrainStats


def train(config: TrainConfig, out: Path, resume: ResumeMode, stats: TrainStats) -> dict[str, Any]:
    """Train a model, or go on with a training that was stopped; one that is done is not repeated.

    Args:
        config: The resolved settings.
        out: Folder of the training, and of the model.
        resume: What may lie in the folder, see `TrainingFolder.open`.
        stats: Counters, moved as the training goes on.

    Returns:
        The summary, as it is in summary.json.

    Raises:
        UsageError: A setting names what is not there, the folder holds something else, or the model or the data changed
            since it was begun.
        DatasetError: The data are missing, empty, or not in the columns of this kind.
        EngineError: There is no such model, or it has no chat template.
        TrainingError: Memory ran out, or the loss is not a number any more.
        RunInUse: Another process trains into this folder.
    """
    check_names(config)
    files = ModelFiles.find(config.model)
    sources = [find_source(source, config.kind) for source in config.data]
    start = {"model": files.fingerprint(), "data": [source.fingerprint() for source in sources]}
    folder = TrainingFolder.open(out, config, resume)
    done = folder.summary()
    if done is not None:
        _check_unchanged(done, start, folder)
        return done
    with _locked(folder), quiet(folder):
        folder.begin(config, start)
        stats.phase = "reading the data"
        encoder = files.encoder()
        data = load_data(config, config.kind, encoder, longest_row(config, files.folder))
        stats.phase = "loading the model"
        session = Session(config, folder, stats, files, encoder, data)
        return _finish(session, TRAINERS[config.kind](session), start)


def _finish(session: Session[Any], own: dict[str, Any], start: dict[str, Any]) -> dict[str, Any]:
    config, folder, stats = session.config, session.folder, session.stats
    summary = {
        "kind": config.kind,
        "model": str(folder.path),
        "base_model": config.model,
        "base_fingerprint": start["model"],
        "steps": stats.step,
        "epochs": stats.epoch,
        "seconds": round(stats.seconds, 3),
        "tokens": stats.tokens,
        "train_loss": session.train_loss(),
        "data": [source.to_dict() for source in session.data.sources],
        "versions": versions(),
        **own,
    }
    if not is_main_process():
        return summary
    write_card(folder, config, summary)
    return folder.finish(summary, keep_checkpoints=config.keep_checkpoints)


def _check_unchanged(done: dict[str, Any], start: dict[str, Any], folder: TrainingFolder) -> None:
    before = {"model": done.get("base_fingerprint"), "data": [row["fingerprint"] for row in done.get("data", [])]}
    changed = [name for name in start if before[name] != start[name]]
    if changed:
        what = f"{' and '.join(changed)} changed since this training was done"
        raise UsageError(what, where=str(folder.path), fix="choose a new folder, or delete this one")


@contextmanager
def _locked(folder: TrainingFolder) -> Iterator[None]:
    """One training at a time in a folder; the processes of one training share the main one's lock."""
    try:
        lock = RunLock.acquire(folder.logs / "lock") if is_main_process() else None
    except RunInUse as error:
        raise RunInUse(error.what, where=str(folder.path), fix=error.fix) from None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
