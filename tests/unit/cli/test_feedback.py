"""`cai feedback` and `cai label --export-for-review`: from labels to a review, and from its answers to figures."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import FeedbackError, UsageError

COLOURS = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "400"}
ROWS = 12


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=COLOURS)


def told(*arguments: object) -> Any:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


@pytest.fixture
def labelled(tmp_path: Path, hostile: str) -> tuple[Path, Path]:
    """The output of `cai label` on comparisons of which every text is hostile, and the review that it wrote."""
    file, out, review = tmp_path / "pairs.jsonl", tmp_path / "labels", tmp_path / "review.csv"
    texts = (
        {"prompt": f"{n}{hostile}", "response_a": f"a{n}{hostile}", "response_b": f"b{hostile}"} for n in range(ROWS)
    )
    file.write_text("".join(json.dumps(row) + "\n" for row in texts))
    engine = ("--engine", "scripted", "--question", "Which is better?")
    done = told("label", file, *engine, "--out", out, "--export-for-review", review)
    assert done["review"]["comparisons"] == ROWS and done["review"]["files"] == [str(review)]
    return out, review


@pytest.fixture
def judged(labelled: tuple[Path, Path]) -> Path:
    """The folder after a person has preferred whatever begins with a."""
    out, review = labelled
    with review.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row |= {"preferred": "a" if row["response_a"].startswith("a") else "b", "annotator": "[red]ann[/red]"}
    filled = review.with_name("filled.csv")
    with filled.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = told("feedback", "import", out, filled)
    assert (done["joined_by_id"], done["unjoined"], done["preferences"]["train"]) == (ROWS, [], ROWS)
    return out


def test_agreement_is_that_of_the_labels(judged: Path) -> None:
    labels = [json.loads(line) for line in (judged / "labels.jsonl").read_text().splitlines()]
    found = told("feedback", "agreement", judged, "-n", 100)
    prefer_a = sum(label["p_a"] > 0.5 for label in labels)
    assert found["overall"]["accuracy"] == pytest.approx(prefer_a / ROWS)
    assert (len(found["listed"]), found["disagreements"]) == (ROWS - prefer_a, ROWS - prefer_a)
    assert found["people"]["persons"][0]["annotator"] == "[red]ann[/red]"


def test_nothing_can_restyle_the_terminal(judged: Path, assert_harmless: Callable[[str], None], hostile: str) -> None:
    more = judged.parent / "more.jsonl"
    own = {"prompt": hostile, "response_a": hostile, "response_b": "other", "preferred": "b", "note": hostile}
    more.write_text(json.dumps(own) + "\n")
    for arguments in (("import", judged, more), ("agreement", judged)):
        result = invoke("feedback", *arguments)
        assert result.exit_code == 0
        assert_harmless(result.stdout)


def test_export_mixes_by_weight(judged: Path, tmp_path: Path) -> None:
    done = told("feedback", "export", judged, "--out", tmp_path / "mixed", "--ai", "mix", "--weight", 3)
    assert done["by_source"] == {"human+ai": ROWS}
    labels = {row["comparison_id"]: row for row in map(json.loads, (judged / "labels.jsonl").read_text().splitlines())}
    for row in pq.read_table(next((tmp_path / "mixed").glob("train-*.parquet"))).to_pylist():
        p_a = (3 + labels[row["comparison_id"]]["p_a"]) / 4
        assert row["p_chosen"] == pytest.approx(p_a) and row["chosen"][0]["content"].startswith("a")


def test_errors_are_clear_and_change_nothing(judged: Path, labelled: tuple[Path, Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"comparison_id": "x", "preferred": "a"}\n{"comparison_id": "x", "preferred": "C"}\n')
    cases: list[tuple[tuple[object, ...], type[Exception], str]] = [
        (("import", judged, bad), FeedbackError, r"bad\.jsonl:2: 'C' is not a preference"),
        (("import", judged, bad, "--format", "xml"), FeedbackError, "no format 'xml'"),
        (("import", judged, bad, "--column", "x"), FeedbackError, "does not name a column"),
        (("import", tmp_path / "nowhere", bad), UsageError, "there is no run here"),
        (("review", judged, "--out", labelled[1]), UsageError, "there is a file already"),
        (("review", judged, "--out", tmp_path / "r.csv", "--by", "nice"), UsageError, "no reason 'nice'"),
        (("export", judged, "--out", tmp_path / "y", "--ai", "some"), UsageError, "no choice 'some'"),
    ]
    before = told("feedback", "agreement", judged)
    for arguments, kind, says in cases:
        with pytest.raises(kind, match=says):
            CliRunner().invoke(app, ["feedback", *map(str, arguments)], standalone_mode=False, catch_exceptions=False)
    assert told("feedback", "agreement", judged) == before


def test_agreement_wants_feedback(labelled: tuple[Path, Path]) -> None:
    out, _ = labelled
    (out / "feedback" / "judgements.db").unlink()
    with pytest.raises(UsageError, match="nobody has given feedback"):
        CliRunner().invoke(app, ["feedback", "agreement", str(out)], standalone_mode=False, catch_exceptions=False)


def test_label_refuses_to_write_over_a_review_before_it_works(labelled: tuple[Path, Path], tmp_path: Path) -> None:
    _, review = labelled
    command = ["label", str(tmp_path / "pairs.jsonl"), "--question", "?", "--out", str(tmp_path / "new")]
    with pytest.raises(UsageError, match="there is a file already"):
        CliRunner().invoke(
            app, [*command, "--export-for-review", str(review)], standalone_mode=False, catch_exceptions=False
        )
    assert not (tmp_path / "new").exists()
