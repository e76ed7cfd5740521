"""A file is labelled once, row by row, and every row is accounted for."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.comparisons.ledger import LabelLedger
from cai.comparisons.run import label_file
from cai.comparisons.stats import LabelingStats
from cai.config.labeling import LabelingConfig
from cai.errors import EngineError, PromptSourceError, RunInUse, UsageError
from cai.records import Label

Make = Callable[..., LabelingConfig]
Labelled = Callable[[LabelingConfig, Path], dict[str, Any]]
Lines = Callable[[Path], list[dict[str, Any]]]
ENSEMBLE = {"kind": "ensemble", "labelers": [{"engine": "default"}, {"engine": "other"}], "method": {"kind": "choice"}}


def test_every_row_has_a_label_or_a_reason(
    config: Make, labelled: Labelled, lines: Lines, tmp_path: Path, calls: Callable[[], int]
) -> None:
    figures = labelled(config(), tmp_path / "out")
    rows = lines(tmp_path / "out" / "labels.jsonl")
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.get("failed", "")[:16] for row in rows[4:]] == ["equal answers", "the scripted eng", "there is no comp"]
    assert (figures["labels"], figures["failed"], figures["known"]) == (4, 3, 4)
    assert set(figures["failures"].values()) == {1}
    # The fourth row is the first again: asked once, written twice. The one that fails is tried in both orders.
    assert rows[3] == {**rows[0], "row": 4}
    assert calls() == 3 * 2 + 2
    for row in rows[:4]:
        label = Label.from_dict({k: v for k, v in row.items() if k not in ("row", "right", "preferred")})
        assert row["preferred"] == ("a" if label.p_a > 0.5 else "b")
        assert row["right"] == "a"
    right = sum(row["preferred"] == "a" for row in rows[:4])
    assert figures["accuracy"] == pytest.approx(right / 4)
    # B is the longer one throughout.
    assert figures["longer_preferred"] == pytest.approx(1 - right / 4)
    assert figures["longer_right"] == 0.0


def test_preferences_have_the_columns_of_the_dataset_and_the_probability(
    config: Make, labelled: Labelled, lines: Lines, tmp_path: Path
) -> None:
    from cai.data.tables import PREFERENCE_SCHEMA

    labelled(config(), tmp_path / "out")
    rows = lines(tmp_path / "out" / "preferences.jsonl")
    assert len(rows) == 4
    for row in rows:
        assert set(PREFERENCE_SCHEMA.names) <= set(row)
        assert row["p_chosen"] == max(row["p_a"], 1 - row["p_a"])
        assert row["chosen"] != row["rejected"]
        assert row["source"] == "ai"
        longer = row["chosen"][0]["content"].endswith("longer.")
        assert longer == (row["p_a"] < 0.5)


def test_what_was_labelled_is_not_asked_again(
    config: Make, labelled: Labelled, lines: Lines, tmp_path: Path, calls: Callable[[], int]
) -> None:
    out = tmp_path / "out"
    first = labelled(config(limit=2), out)
    assert calls() == 4
    assert first["labels"] == 2
    labelled(config(), out)
    assert calls() == 2 + 2
    written = lines(out / "labels.jsonl")
    # The one that failed is owed again.
    again = labelled(config(), out)
    assert calls() == 2
    assert again["labels"] == 4
    assert lines(out / "labels.jsonl") == written
    # Another method asks for itself, in the same folder.
    assert labelled(config(kind="cot", clamp=[0, 1]), out)["method"] == "cot"
    assert calls() == 3 * 4 + 2
    labelled(config(limit=5), out)
    assert calls() == 0


def test_a_file_that_is_labelled_starts_no_engine(
    config: Make, labelled: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    done = labelled(config(limit=5), out)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr("cai.comparisons.started.started_engine", refuse)
    assert labelled(config(limit=5), out) == done


@pytest.mark.parametrize("kind", ["choice", "cot", "rating", "ensemble"])
def test_every_method(config: Make, labelled: Labelled, lines: Lines, tmp_path: Path, kind: str) -> None:
    settings = ENSEMBLE if kind == "ensemble" else {"kind": kind}
    figures = labelled(config(**settings), tmp_path / "out")
    votes = [vote for row in lines(tmp_path / "out" / "labels.jsonl") for vote in row.get("votes", ())]
    assert figures["method"] == kind
    assert all((vote["rationale"] is not None) == (kind == "cot") for vote in votes)
    assert all((vote["ratings"] is not None) == (kind == "rating") for vote in votes)
    assert {vote["labeler"] for vote in votes} == ({"labeler.1", "labeler.2"} if kind == "ensemble" else {"labeler"})
    assert (figures["spread"] is not None) == (figures["labelers_agree"] is not None) == (kind == "ensemble")


def test_labelers_of_one_mind_agree(config: Make, labelled: Labelled, tmp_path: Path) -> None:
    twice = {**ENSEMBLE, "labelers": [{"engine": "default"}, {"engine": "default"}]}
    figures = labelled(config(**twice), tmp_path / "out")
    assert (figures["labelers_agree"], figures["spread"]) == (1.0, 0.0)
    assert figures["labelers"] == {"labeler.1": "one", "labeler.2": "one"}


def test_a_file_without_comparisons_leaves_nothing(config: Make, labelled: Labelled, tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(PromptSourceError, match="no comparison"):
        labelled(config(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(config: Make, labelled: Labelled, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no labels"):
        labelled(config(), out)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="a file, not a folder"):
        labelled(config(), out / "thesis.txt")


def test_one_process_writes_at_a_time(config: Make, labelled: Labelled, tmp_path: Path) -> None:
    with LabelLedger(tmp_path / "out"), pytest.raises(RunInUse):
        labelled(config(), tmp_path / "out")


def test_cut_short_it_keeps_what_it_has(
    config: Make, labelled: Labelled, tmp_path: Path, calls: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    whole = config()
    one_by_one = whole.model_copy(
        update={
            "pipeline": whole.pipeline.model_copy(
                update={"generate": whole.pipeline.generate.model_copy(update={"max_in_flight": 1})}
            )
        }
    )
    stats = LabelingStats()
    keep = LabelLedger.keep

    async def interrupted(self: LabelLedger, *values: Any) -> None:
        await keep(self, *values)
        if stats.done == 1:
            raise EngineError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(LabelLedger, "keep", interrupted)
        with pytest.raises(EngineError):
            asyncio.run(label_file(one_by_one, out, stats))
    assert not (out / "labels.jsonl").exists()
    assert calls() == 4
    assert labelled(whole, out)["labels"] == 4
    assert calls() == 2 + 2
