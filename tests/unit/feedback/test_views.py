"""Folders that hold AI labels: what is said when they are not what they should be, or not any more."""

import json
from pathlib import Path

import pytest

from cai.comparisons import run as labelling
from cai.errors import StorageError, UsageError
from cai.feedback import views
from cai.feedback.views import LabelView, RunView, open_view
from cai.records import Comparison, Label, Message, Prompt, Vote
from cai.store.run_dir import RunDir


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """What `cai label` leaves: one row with a label, one that failed, one that the file holds twice."""
    rows = [{"prompt": f"p{n}", "response_a": "x", "response_b": "y"} for n in (1, 2, 1)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    comparison = Comparison(Prompt.of((Message("user", "p1"),), "x"), "x", "y", "imported")
    label = Label(comparison.id, 0.75, 0.9, False, "choice", (Vote("q", "ab", 0.75, 0.9),))
    lines = [{"row": 1, "right": None, "preferred": "a", **label.to_dict()}, {"row": 2, "failed": "too long"}]
    out = tmp_path / "labels"
    out.mkdir()
    (out / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, {**lines[0], "row": 3}]))
    (out / "config.json").write_text(json.dumps({"comparisons": str(tmp_path / "pairs.jsonl"), "limit": None}))
    return out


def test_the_names_are_those_that_cai_label_writes() -> None:
    assert (views.LABELS, views.PREFERENCES) == (labelling.LABELS, labelling.PREFERENCES)


def test_labels_meet_the_comparisons_of_their_file(labelled: Path) -> None:
    view = open_view(labelled)
    (one,) = view.comparisons()
    assert isinstance(view, LabelView)
    assert (one.prompt.messages[0].content, one.response_a, one.label.p_a, one.split) == ("p1", "x", 0.75, "train")
    assert one.label.votes[0].principle_id == "q" and one.swapped_id != one.id


def test_a_file_that_has_changed_gives_no_comparison_and_one_that_is_gone_is_named(labelled: Path) -> None:
    file = labelled.parent / "pairs.jsonl"
    file.write_text('{"prompt": "other", "response_a": "x", "response_b": "y"}\n')
    assert list(open_view(labelled).comparisons()) == []
    file.unlink()
    with pytest.raises(StorageError, match=r"pairs\.jsonl"):
        list(open_view(labelled).comparisons())


def test_damaged_files_of_cai_label_are_named(labelled: Path) -> None:
    (labelled / "labels.jsonl").write_text("{}\nnot json\n")
    (labelled.parent / "pairs.jsonl").write_text('{"prompt": "p", "response_a": "x", "response_b": "y"}\n' * 2)
    with pytest.raises(StorageError, match=r"labels\.jsonl:2"):
        list(open_view(labelled).comparisons())
    (labelled / "config.json").write_text("{}")
    with pytest.raises(StorageError, match="does not name the file"):
        open_view(labelled)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run here"):
        open_view(tmp_path)


@pytest.mark.parametrize("text", ["{}", '{"pipeline": {"generate": {"split": {"eval": 3}}}}', "[]"])
def test_a_run_that_does_not_say_how_it_splits_is_refused(run: RunDir, text: str) -> None:
    run.config_path.write_text(text)
    with pytest.raises(StorageError, match=r"config\.json"):
        RunView.open(run.path)


def test_settings_of_another_version_do_not_matter(run: RunDir) -> None:
    row = json.loads(run.config_path.read_text())
    row["pipeline"]["generate"]["of_the_future"] = {"x": 1}
    run.config_path.write_text(json.dumps(row))
    view = RunView.open(run.path)
    assert len(list(view.comparisons())) == 40
    view.close()


def test_the_worst_verdict_of_a_record_is_its_severity(view: RunView) -> None:
    assert {one.severity for one in view.comparisons()} == {0, 4}
