"""The page shows what people said, if they said anything, and nothing of theirs can break out of it."""

import json
from pathlib import Path
from types import ModuleType

from cai.feedback.imports import import_feedback
from cai.feedback.store import FeedbackStore
from cai.feedback.views import RunView
from cai.report.people import people_section

HOSTILE = "<script>alert(1)</script>\u202e"


def judge(path: Path, prefers: str = "a") -> int:
    view = RunView.open(path)
    rows = [
        {"comparison_id": one.id, "preferred": prefers, "annotator": HOSTILE, "note": HOSTILE}
        for one in view.comparisons()
    ]
    file = path / "people.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with FeedbackStore.open(view.place) as store:
        import_feedback(view, store, file)
    view.close()
    return len(rows)


def test_a_run_without_feedback_has_no_section(tmp_path: Path, report_folders: ModuleType) -> None:
    run = report_folders.write_run(tmp_path / "run")
    assert list(people_section("", run.path)) == []


def test_the_section_says_how_far_the_ai_agrees_with_people(tmp_path: Path, report_folders: ModuleType) -> None:
    run = report_folders.write_run(tmp_path / "run")
    judged = judge(run.path)
    (section,) = people_section("x-", run.path)
    assert section.id == "x-people" and f"People judged {judged} comparisons" in section.lead
    assert [fact.name for fact in section.facts] == ["accuracy against people", "Cohen's kappa"]
    tables = dict(section.tables)
    assert tables["Agreement of the AI labels with people"].rows[0][0] == "all"
    assert "\u202e" not in tables["People"].rows[0][0] and tables["People"].rows[0][1] == str(judged)
    assert 0 < len(tables["Disagreements, those first in which the AI was surest"].rows) <= 8


def test_a_damaged_store_leaves_the_section_out(tmp_path: Path, report_folders: ModuleType) -> None:
    run = report_folders.write_run(tmp_path / "run")
    (run.path / "feedback").mkdir()
    (run.path / "feedback" / "judgements.db").write_text("no database at all, but long enough to be looked at " * 40)
    assert list(people_section("", run.path)) == []
