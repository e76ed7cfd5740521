"""Exports load as they stand, are equal byte for byte, and replace each other as a whole."""

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cai.config.stages import GenerateConfig
from cai.data import export
from cai.data.export import DatasetCounts, export_datasets
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA, Provenance
from cai.errors import StorageError
from cai.records import Outcome
from cai.store.journal import Journal
from cai.store.reader import JournalRecord
from cai.store.run_dir import RunDir

Make = Callable[..., JournalRecord]
MakeRun = Callable[..., RunDir]


def exported(run: RunDir, config: GenerateConfig, origin: Provenance, **options: Any) -> DatasetCounts:
    with Journal.read_only(run.journal_path) as journal:
        return export_datasets(journal, run, config, origin, **options)


def content(run: RunDir) -> dict[str, bytes]:
    return {str(p.relative_to(run.path)): p.read_bytes() for p in sorted(run.datasets.rglob("*")) if p.is_file()}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()
    return lambda folder: datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def test_both_datasets_load_as_they_stand(
    forty: list[JournalRecord],
    journal_of: MakeRun,
    config: GenerateConfig,
    origin: Provenance,
    load: Callable[[Path], Any],
) -> None:
    run = journal_of(reversed(forty))
    counts = exported(run, config, origin, rows_per_shard=25)
    evals = sum(record.split == "eval" for record in forty)
    assert 0 < evals < 40
    assert counts == DatasetCounts(40, 2 * (40 - evals), 2 * evals, *_pairs(forty), preference_left_out={"tie": 1})
    sft = load(run.sft)
    assert {split: sft[split].num_rows for split in sft} == {"train": counts.sft_train, "eval": counts.sft_eval}
    ids = [(row["prompt_id"], row["round"]) for row in sft["train"]]
    assert ids == sorted(ids)
    by_id = {record.prompt.id: record for record in forty}
    for row in [*sft["train"], *sft["eval"]]:
        record = by_id[row["prompt_id"]]
        assert row["prompt"] == [message.to_dict() for message in record.prompt.messages]
        assert row["completion"] == [{"role": "assistant", "content": ("", "better", "best")[row["round"]]}]
        assert (row["hazard"], row["tags"]) == (record.prompt.hazard, list(record.prompt.tags))
    preferences = load(run.preferences)
    assert preferences["train"].num_rows == counts.preference_train
    assert preferences["eval"].num_rows == counts.preference_eval
    assert all(0.5 < row["p_chosen"] <= 1 for row in preferences["train"])
    assert not set(preferences["train"]["prompt_id"]) & set(preferences["eval"]["prompt_id"])


def _no_space(*_: object) -> None:
    raise StorageError(os.strerror(errno.ENOSPC))


def _pairs(records: list[JournalRecord]) -> tuple[int, int]:
    labelled = [r.split for r in records if not any(s.stage == "label" and _tie(s.body) for s in r.steps.values())]
    return len(labelled) - labelled.count("eval"), labelled.count("eval")


def _tie(body: dict[str, Any]) -> bool:
    return bool(body["label"]["p_a"] == 0.5)


def test_trl_knows_both_forms_without_mapping(
    forty: list[JournalRecord],
    journal_of: MakeRun,
    config: GenerateConfig,
    origin: Provenance,
    load: Callable[[Path], Any],
) -> None:
    data_utils = pytest.importorskip("trl.data_utils", reason="trl is not installed", exc_type=ImportError)
    run = journal_of(forty)
    exported(run, config, origin)
    for folder, keys in [(run.sft, {"prompt", "completion"}), (run.preferences, {"prompt", "chosen", "rejected"})]:
        row = load(folder)["train"][0]
        assert data_utils.is_conversational(row)
        assert not data_utils.is_conversational_from_value(row)
        assert data_utils.maybe_extract_prompt(row) == row
        told = data_utils.apply_chat_template({key: row[key] for key in keys}, _Template())
        assert set(told) == keys
        assert told["prompt"] == f"[user]{row['prompt'][0]['content']}[assistant]"
        last = (keys - {"prompt"}).pop()
        assert told[last] == f"{row[last][0]['content']}"


class _Template:
    """The one method of a tokenizer that TRL's chat templating calls."""

    def apply_chat_template(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool = False, **_: Any
    ) -> str:
        return "".join(f"[{m['role']}]{m['content']}" for m in messages) + "[assistant]" * add_generation_prompt


def test_two_exports_of_one_journal_are_equal_byte_for_byte(
    forty: list[JournalRecord], journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    one, two = journal_of(forty, "one"), journal_of(reversed(forty), "two")
    exported(one, config, origin, rows_per_shard=30)
    exported(two, config, origin, rows_per_shard=30)
    first = content(one)
    assert first == content(two)
    exported(one, config, origin, rows_per_shard=30)
    assert first == content(one)
    assert sum(name.startswith("datasets/sft/train-") for name in first) > 1


def test_disjoint_splits_go_to_one_dataset_each(
    a_record: Make, journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    records = [a_record(f"s{i}", split="sft") for i in range(2)] + [a_record("p", split="preference")]
    counts = exported(journal_of(records), config, origin)
    assert counts == DatasetCounts(3, sft_train=4, sft_eval=0, preference_train=1, preference_eval=0)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_dataset_with_one_empty_split_loads_without_it(
    a_record: Make,
    journal_of: MakeRun,
    config: GenerateConfig,
    origin: Provenance,
    load: Callable[[Path], Any],
    split: Any,
) -> None:
    run = journal_of([a_record("x", split=split)])
    exported(run, config, origin)
    for folder in (run.sft, run.preferences):
        assert list(load(folder)) == [split]


def test_a_dataset_without_rows_still_has_its_columns(
    tmp_path: Path, a_record: Make, journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    run = RunDir.open(tmp_path / "empty")
    Journal.open(run.journal_path).close()
    assert exported(run, config, origin) == DatasetCounts(0, 0, 0, 0, 0)
    for folder, schema in [(run.sft, SFT_SCHEMA), (run.preferences, PREFERENCE_SCHEMA)]:
        assert [p.name for p in folder.glob("*.parquet")] == ["train-00000-of-00001.parquet"]
        table = pq.read_table(folder / "train-00000-of-00001.parquet")
        assert (table.num_rows, table.schema) == (0, schema)


def test_only_what_the_latest_session_read_and_finished_is_exported(
    a_record: Make, journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    kept, dropped, failed, owed, stale = (a_record(name) for name in "abcde")
    run = journal_of([kept, dropped, failed, owed, stale])

    async def resume(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        for record in (kept, failed, owed, stale):
            await journal.add_prompt(record.prompt, "train", session)
        await journal.finish(Outcome(failed.prompt.id, "failed", "too long", "plan"))
        await journal.finish(Outcome(owed.prompt.id, "filtered", "empty", "plan"))
        await journal.finish(Outcome(stale.prompt.id, "trajectory", None, "older plan"))

    with Journal.open(run.journal_path) as journal:
        asyncio.run(resume(journal))
    assert exported(run, config, origin).records == 1


def test_a_new_export_leaves_nothing_of_the_old(
    forty: list[JournalRecord], journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    run = journal_of(forty)
    exported(run, config, origin, rows_per_shard=5)
    exported(run, config, origin)
    assert sorted(content(run)) == [
        f"datasets/{name}"
        for folder in ("preferences", "sft")
        for name in (
            f"{folder}/README.md",
            f"{folder}/eval-00000-of-00001.parquet",
            f"{folder}/train-00000-of-00001.parquet",
        )
    ]
    assert not list(run.path.glob(".datasets*"))


def test_a_failed_export_leaves_the_old_datasets_whole(
    forty: list[JournalRecord],
    journal_of: MakeRun,
    config: GenerateConfig,
    origin: Provenance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = journal_of(forty)
    exported(run, config, origin)
    before = content(run)

    monkeypatch.setattr(export, "write_text", _no_space)
    with pytest.raises(StorageError):
        exported(run, config, replace(origin, model="other"))
    assert content(run) == before
    assert not list(run.path.glob(".datasets*"))


@pytest.mark.parametrize("at", [1, 2])
def test_a_kill_between_the_renames_is_repaired_by_the_next_export(
    forty: list[JournalRecord],
    journal_of: MakeRun,
    config: GenerateConfig,
    origin: Provenance,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    run = journal_of(forty)
    exported(run, config, origin)
    before = content(run)
    real, calls = Path.rename, [0]

    def killed(self: Path, target: Path) -> Path:
        if self.name in ("datasets", ".datasets.new"):
            calls[0] += 1
            if calls[0] == at:
                raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            exported(run, config, origin)
    assert run.datasets.exists() == (at == 1)
    # Also when that next one fails, the datasets are back.
    with monkeypatch.context() as patch:
        patch.setattr(export, "write_text", _no_space)
        with pytest.raises(StorageError):
            exported(run, config, origin)
    assert content(run) == before
    exported(run, config, origin)
    assert content(run) == before
    assert not list(run.path.glob(".datasets*"))


def test_the_manifest_finds_a_changed_shard(
    forty: list[JournalRecord], journal_of: MakeRun, config: GenerateConfig, origin: Provenance
) -> None:
    run = journal_of(forty)
    run.write_manifest({}, exported(run, config, origin).to_dict())
    assert run.verify() == ()
    shard = run.sft / "eval-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert [(p.path, p.what) for p in run.verify()] == [(f"datasets/sft/{shard.name}", "changed")]
