"""Preference rows of people, alone and with the AI's, in the splits of the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cai.config.training import DataSource
from cai.data.tables import PREFERENCE_SCHEMA
from cai.errors import UsageError
from cai.feedback.compared import Compared
from cai.feedback.export import export_feedback, export_own
from cai.feedback.import_summary import ImportSummary
from cai.feedback.store import FeedbackStore, folder_of
from cai.feedback.views import RunView
from cai.store.run_dir import RunDir

Take = Callable[..., ImportSummary]


def rows_in(folder: Path, split: str = "*") -> list[dict[str, Any]]:
    return [row for file in sorted(folder.glob(f"{split}-*.parquet")) for row in pq.read_table(file).to_pylist()]


@pytest.fixture
def judged(take: Take, compared: list[Compared]) -> list[Compared]:
    """Two of three people prefer the draft of the first ten; there is a tie, and a comparison that the run has not."""
    rows = [
        {"comparison_id": one.id, "preferred": said, "annotator": who}
        for one in compared[:10]
        for who, said in (("ann", "a"), ("bo", "a"), ("cy", "b"))
    ]
    own = {"prompt": "new", "response_a": "x", "response_b": "y", "preferred": "b"}
    take([*rows, own, {"comparison_id": compared[11].id, "preferred": "tie"}])
    return compared[:10]


def test_people_alone(judged: list[Compared], view: RunView, store: FeedbackStore, run: RunDir) -> None:
    found = export_own(view, store)
    folder = folder_of(run) / "preferences"
    assert (found.folder, found.train + found.eval, found.ties) == (str(folder), 11, 1)
    rows = rows_in(folder)
    assert pq.read_schema(next(folder.glob("train-*.parquet"))).equals(PREFERENCE_SCHEMA)
    assert {row["source"] for row in rows} == {"human"} and found.by_source == {"human": 11}
    by_id = {row["comparison_id"]: row for row in rows}
    for one in judged:
        row = by_id[one.id]
        assert row["p_chosen"] == pytest.approx(2 / 3)
        assert row["chosen"] == [{"role": "assistant", "content": one.response_a}]
        assert row["prompt"] == [turn.to_dict() for turn in one.prompt.messages]
        assert (row["prompt_id"], row["hazard"]) == (one.prompt.id, one.prompt.hazard)
    evals = {row["comparison_id"] for row in rows_in(folder, "eval")}
    assert evals >= {one.id for one in judged if one.split == "eval"}
    assert not evals & {one.id for one in judged if one.split != "eval"}


def test_two_exports_are_equal_byte_for_byte(judged: list[Compared], view: RunView, store: FeedbackStore) -> None:
    def content() -> dict[str, bytes]:
        folder = Path(export_own(view, store).folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert content() == content()


def test_people_and_the_ai_make_one_target(
    judged: list[Compared], view: RunView, store: FeedbackStore, run: RunDir, tmp_path: Path
) -> None:
    found = export_feedback(view, store, tmp_path / "mixed", "mix", 2.0)
    rows = rows_in(tmp_path / "mixed")
    before = {row["comparison_id"]: row for row in rows_in(run.preferences)}
    assert len(rows) == len(before) + 1 and found.ties == 0
    # The tie of people pulls the AI's target towards 0.5, but the AI's side stays.
    assert found.by_source == {"ai": 28, "human": 1, "human+ai": 11}
    by_id = {row["comparison_id"]: row for row in rows}
    for one in judged:
        p_a = (2 * 2 / 3 + one.label.p_a) / 3
        row = by_id[one.id]
        chosen = one.response_a if p_a > 0.5 else one.response_b
        assert (row["chosen"][0]["content"], row["p_chosen"]) == (chosen, pytest.approx(max(p_a, 1 - p_a)))
        assert (row["source"], row["method"], row["principle_ids"]) == ("human+ai", "human+choice", ["harm"])
    untouched = [row for row in rows if row["source"] == "ai"]
    assert all(row == before[row["comparison_id"]] for row in untouched)


def test_people_in_place_of_the_ai(judged: list[Compared], view: RunView, store: FeedbackStore, tmp_path: Path) -> None:
    found = export_feedback(view, store, tmp_path / "replaced", "replace")
    rows = {row["comparison_id"]: row for row in rows_in(tmp_path / "replaced")}
    assert found.ties == 1 and found.by_source == {"ai": 28, "human": 11}
    assert all(rows[one.id]["chosen"][0]["content"] == one.response_a for one in judged)


def test_the_split_of_the_run_is_kept_in_every_mode(
    judged: list[Compared], view: RunView, store: FeedbackStore, tmp_path: Path
) -> None:
    evals = {one.prompt.id for one in view.comparisons() if one.split == "eval"}
    for ai in ("none", "mix", "replace"):
        export_feedback(view, store, tmp_path / ai, ai)  # type: ignore[arg-type]
        assert not evals & {row["prompt_id"] for row in rows_in(tmp_path / ai, "train")}


def test_a_folder_in_use_is_refused(
    judged: list[Compared], view: RunView, store: FeedbackStore, tmp_path: Path
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(UsageError, match="in use"):
        export_feedback(view, store, tmp_path / "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["file"]


def test_nothing_judged_gives_a_dataset_without_rows(view: RunView, store: FeedbackStore, tmp_path: Path) -> None:
    found = export_feedback(view, store, tmp_path / "out")
    assert (found.train, found.eval) == (0, 0)
    assert rows_in(tmp_path / "out") == [] and list((tmp_path / "out").glob("train-*.parquet"))


def test_training_reads_the_folder_of_a_run_and_holds_out_its_eval(
    judged: list[Compared], view: RunView, store: FeedbackStore, run: RunDir
) -> None:
    pytest.importorskip("trl", reason="the extra `train` is not installed", exc_type=ImportError)
    from cai.training.sources import find_source, read_examples

    counts = export_own(view, store)
    files = find_source(DataSource(path=str(folder_of(run)), weight=2.0), "dpo")
    examples = list(read_examples(files.train, "dpo"))
    assert (len(examples), len(list(read_examples(files.heldout, "dpo")))) == (counts.train, counts.eval)
    assert {round(one.p_chosen, 4) for one in examples} <= {0.6667, 1.0}  # type: ignore[union-attr]


def test_the_loader_of_datasets_takes_the_folder(
    judged: list[Compared], view: RunView, store: FeedbackStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()
    counts = export_own(view, store)
    loaded = datasets.load_dataset(counts.folder, cache_dir=str(tmp_path / "cache"))
    assert {name: part.num_rows for name, part in loaded.items()} == {"train": counts.train, "eval": counts.eval}
