"""What is worth a look comes first, blind, and joins back whatever tool the answers went through."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.errors import UsageError
from cai.feedback.agreement import measure
from cai.feedback.compared import Compared
from cai.feedback.import_summary import ImportSummary
from cai.feedback.review import REASONS, ReviewItem, review
from cai.feedback.review_files import write_review
from cai.feedback.store import FeedbackStore
from cai.feedback.views import RunView

Take = Callable[..., ImportSummary]


def ids(items: list[ReviewItem]) -> set[str]:
    return {item.compared.id for item in items}


@pytest.mark.parametrize(
    ("reason", "numbers"),
    [
        ("uncertain", {20, 19, 21}),
        ("flipped", {0, 4, 8}),
        ("spread", {0, 7, 14, 21, 28, 35}),
        ("harmful", {0, 6, 12, 18, 24, 30, 36}),
        ("disputed", set()),
    ],
)
def test_each_reason_brings_its_own(
    view: RunView, store: FeedbackStore, compared: list[Compared], reason: str, numbers: set[int]
) -> None:
    if not numbers:
        with pytest.raises(UsageError, match="no comparison to review"):
            review(view, store, 3, [reason])
        return
    found = review(view, store, len(numbers), [reason])
    assert ids(found) == {compared[number].id for number in numbers}
    assert {item.reason for item in found} == {reason}


def test_random_has_its_share_and_is_not_what_is_left_over(view: RunView, store: FeedbackStore) -> None:
    found = review(view, store, 18)
    assert len(found) == len(ids(found)) == 18
    # Six reasons: a sixth of the rows is drawn whatever else they are.
    assert sum(item.reason == "random" for item in found) >= 3
    drawn = [item.compared.id for item in review(view, store, 3, ["random"])]
    again = [item.compared.id for item in review(view, store, 40, ["random"])]
    assert set(drawn) <= set(again) and len(again) == 40


def test_a_draw_follows_the_seed_alone(view: RunView, store: FeedbackStore) -> None:
    one, two, other = (review(view, store, 40, seed=seed) for seed in (1, 1, 2))
    assert [item.comparison_id for item in one] == [item.comparison_id for item in two]
    assert [item.swapped for item in one] != [item.swapped for item in other]
    assert 8 < sum(item.swapped for item in one) < 32


def test_what_people_judged_is_left_out_unless_they_dispute_it(
    take: Take, view: RunView, store: FeedbackStore, compared: list[Compared]
) -> None:
    take([{"comparison_id": c.id, "preferred": "a"} for c in (compared[0], compared[39])])
    found = {item.compared.id: item.reason for item in review(view, store, 40)}
    assert found[compared[0].id] == "disputed" and compared[39].id not in found and len(found) == 39


def test_unknown_reasons_are_refused(view: RunView, store: FeedbackStore) -> None:
    with pytest.raises(UsageError, match="there is no reason 'nice'"):
        review(view, store, 3, ["uncertain", "nice"])


def test_the_file_says_nothing_of_the_ai_unless_asked(view: RunView, store: FeedbackStore, tmp_path: Path) -> None:
    items = review(view, store, 5)
    for show, name in ((False, "blind.jsonl"), (True, "seen.jsonl")):
        (file,) = write_review(tmp_path / name, items, show_ai=show)
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        told = {"ai_preferred", "ai_p_a", "why", "hazard"} & set(rows[0])
        assert bool(told) == show and len(rows) == 5
        if show:
            first = items[0]
            p_a = 1 - first.compared.label.p_a if first.swapped else first.compared.label.p_a
            assert rows[0]["ai_p_a"] == round(p_a, 4)


def test_an_earlier_file_is_not_written_over(view: RunView, store: FeedbackStore, tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text("answers")
    with pytest.raises(UsageError, match="there is a file already"):
        write_review(path, review(view, store, 2))
    assert path.read_text() == "answers"
    with pytest.raises(UsageError, match="not clear in which format"):
        write_review(tmp_path / "review.json", review(view, store, 2))


def test_no_cell_is_a_formula_to_a_spreadsheet(view: RunView, store: FeedbackStore, tmp_path: Path) -> None:
    (file,) = write_review(tmp_path / "review.csv", review(view, store, 40))
    with file.open(newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=draft") for cell in cells)


def answer(path: Path, format_: str, prefers_draft: Callable[[str], bool]) -> Path:
    """Fill a file in as a person would with their tool: by what the answers say, one person throughout."""
    done = path.with_name(f"done-{path.name}")
    if format_ == "csv":
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            row |= {"preferred": "A" if prefers_draft(row["response_a"]) else "B", "annotator": "ann"}
        with done.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return done
    if format_ == "jsonl":
        filled = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [r | {"preferred": "a" if prefers_draft(r["response_a"]) else "b", "annotator": "ann"} for r in filled]
        done.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return done
    given: list[dict[str, Any]] = json.loads(path.read_text())
    for number, item in enumerate(given):
        if format_ == "label-studio":
            side = "left" if prefers_draft(item["data"]["response_a"]) else "right"
            result = {"type": "pairwise", "from_name": "preferred", "to_name": "preferred", "value": {"selected": side}}
            item |= {"id": number, "annotations": [{"result": [result], "completed_by": {"email": "ann"}}]}
        else:
            value = "a" if prefers_draft(item["fields"]["response_a"]) else "b"
            item["responses"] = {"preferred": [{"value": value, "user_id": "ann"}]}
    done.write_text(json.dumps(given))
    return done


@pytest.mark.parametrize(
    ("format_", "name"),
    [("csv", "r.csv"), ("jsonl", "r.jsonl"), ("label-studio", "r.json"), ("argilla", "r.json")],
)
def test_a_review_comes_back_exactly(
    take: Take, view: RunView, store: FeedbackStore, tmp_path: Path, format_: str, name: str
) -> None:
    items = review(view, store, 30)
    path, *beside = write_review(tmp_path / name, items, format_)
    assert len(beside) == (format_ in ("label-studio", "argilla"))
    summary = take(answer(path, format_, lambda text: "draft" in text))
    assert (summary.joined_by_id, summary.rows, summary.unjoined) == (30, 30, [])
    # This person always prefers the draft, which is answer A of the run; the AI does from number 21 on.
    for item in items:
        verdict = store.verdict(item.compared.content)
        assert verdict is not None and verdict.p_for(item.compared.content.a_hash) == 1.0
        assert [vote.annotator for vote in verdict.votes] == ["ann"]
    found = measure(view, store)
    decided = [item for item in items if item.compared.label.p_a != 0.5]
    assert found.overall.comparisons == len(decided)
    assert found.overall.accuracy == pytest.approx(
        sum(item.compared.label.p_a > 0.5 for item in decided) / len(decided)
    )
    assert set(found.by_reason) <= set(REASONS) and "random" in found.by_reason
