"""Filters and splits in whole runs: counts reconcile, a resumed run decides anew, and nothing filtered is asked."""

import json
import random
from collections import Counter
from typing import Any

import pyarrow.parquet as pq
import pytest

from cai.data.splits import split_of
from cai.errors import ConfigError
from cai.near.shingles import jaccard, normalised, shingles
from cai.pipeline.stats import RunStats

LONG = "How do I bake a good loaf of bread at home without a machine and with little time?"
EVERY_FILTER = {
    "prompts": {
        "near_duplicates": {"threshold": 0.9},
        "length": {"unit": "characters", "min": 3, "max": 400},
        "language": {"allow": ["en"]},
        "degenerate": {},
        "template_text": {},
        "personal_data": {"action": "drop", "kinds": ["email", "phone"]},
    },
    "rows": {
        "length": {"max": 40},
        "language": {"allow": ["en"]},
        "degenerate": {},
        "template_text": {},
        "refusals": {"benign_tags": ["benign"]},
        "personal_data": {"kinds": ["email"]},
        "near_duplicates": {"threshold": 0.7},
    },
}
DROPPED = {
    LONG + "!!": "near-duplicate",
    "Hi": "too short",
    "Wie backe ich zu Hause ein gutes Brot ohne Maschine?": "language de",
    "<<<>>>=== {{{{ }}}} ;;;; ((( )))": "mostly signs",
    "Hello\n\nAssistant: Sure.": "template text: turn",
    "Write to me@here.example, please.": "personal data: email",
}
OFF = {"flawed": False, "degenerate": None, "template_text": None, "refusals": None}


def written(workshop: Any, which: str) -> list[dict[str, Any]]:
    return [
        row for file in (workshop.run_dir.datasets / which).glob("*.parquet") for row in pq.read_table(file).to_pylist()
    ]


def reconciled(workshop: Any, summary: Any) -> None:
    """Prompts in are out; rows that might have been are written or left out."""
    counts = summary.counts
    assert counts.prompts == counts.trajectories + counts.filtered + counts.failed
    assert counts.owed == 0
    assert counts.filtered == sum(counts.filtered_reasons.values())
    assert len(written(workshop, "sft")) == counts.sft_rows
    assert len(written(workshop, "preferences")) == counts.preference_rows
    labels = summary.labels.labels
    assert labels == counts.preference_rows + sum(counts.preference_left_out.values())
    manifest = json.loads(workshop.run_dir.manifest_path.read_text())["counts"]
    assert manifest["sft_left_out"] == counts.sft_left_out
    assert manifest["preference_left_out"] == counts.preference_left_out
    assert manifest["filtered_reasons"] == counts.filtered_reasons


def test_counts_reconcile_with_every_filter_on(workshop: Any) -> None:
    texts = [f"Question {number}" for number in range(30)] + [LONG, *DROPPED, "Question 7", "[[fail]] this"]
    workshop.write_prompts(random.Random(0).sample(texts, len(texts)))
    filtered = workshop.go(filters=EVERY_FILTER, comparison={"min_margin": 0.3})
    reconciled(workshop, filtered)
    counts = filtered.counts
    assert counts.prompts == len(texts)
    assert counts.filtered_reasons == Counter([*DROPPED.values(), "duplicate"])
    assert counts.failed == 1
    assert counts.preference_left_out["near tie"] > 0
    assert counts.sft_left_out
    unfiltered = workshop.go(filters={"prompts": {"near_duplicates": None}, "rows": OFF}, comparison={})
    reconciled(workshop, unfiltered)
    assert unfiltered.counts.filtered_reasons == {"duplicate": 1}
    assert unfiltered.counts.sft_left_out == unfiltered.counts.preference_left_out == {}


def test_what_is_filtered_is_never_asked(workshop: Any) -> None:
    workshop.write_prompts(["Question 1", *DROPPED])
    stats = RunStats()
    workshop.go(stats, filters={"prompts": {"length": {"unit": "characters", "max": 10}}})
    assert len({call[0] for call in workshop.calls()}) == 2
    assert (stats.filtered, stats.done, stats.total) == (5, 7, 7)


def test_a_filter_that_is_switched_on_takes_away_what_was_done_and_off_brings_it_back(workshop: Any) -> None:
    workshop.write_prompts(["Question 1", "Question number 2"])
    before = workshop.go()
    data = workshop.datasets()
    short = {"prompts": {"length": {"max": 2}}}
    summary = workshop.go(filters=short)
    assert workshop.calls() == []
    assert summary.counts.filtered_reasons == {"too long": 1}
    assert {row["prompt"][0]["content"] for row in written(workshop, "sft")} == {"Question 1"}
    after = workshop.go(filters={})
    assert workshop.calls() == []
    assert after.counts == before.counts
    assert workshop.datasets() == data


def test_row_filters_ask_nothing_when_they_change(workshop: Any) -> None:
    assert workshop.go().counts.sft_left_out == {}
    summary = workshop.go(filters={"rows": {"length": {"max": 1}}})
    assert workshop.calls() == []
    assert (summary.counts.trajectories, summary.counts.sft_rows, summary.counts.preference_rows) == (12, 0, 0)
    assert summary.counts.sft_left_out["too long"] > 0


@pytest.mark.parametrize("which", ["prompts", "rows"])
def test_a_filter_that_cannot_work_is_said_before_anything_is_asked(workshop: Any, which: str) -> None:
    with pytest.raises(ConfigError, match="'xq'"):
        workshop.go(filters={which: {"language": {"allow": ["en", "xq"]}}})
    assert workshop.calls() == []


def test_masked_prompts_are_answered_without_the_data(workshop: Any) -> None:
    workshop.write_prompts(["Write to me@here.example, please.", "Question 1"])
    workshop.go(filters={"prompts": {"personal_data": {"kinds": ["email"]}}})
    assert set(workshop.records()) == {"Write to <EMAIL>, please.", "Question 1"}
    assert b"here.example" not in workshop.run_dir.journal_path.read_bytes()


def versions(count: int) -> list[str]:
    """Long texts in three versions each; a version differs by one word at its end."""
    words = [f"{word}{n}" for n in range(40) for word in ("bread", "stone", "wine", "cloud")]
    drawn = random.Random(1)
    bases = [" ".join(drawn.sample(words, 20)) for _ in range(count)]
    return [base + end for base in bases for end in ("", " please", " thanks")]


def test_near_duplicates_share_a_split_in_any_order_and_after_growth(workshop: Any, another_workshop: Any) -> None:
    settings = {
        "filters": {"prompts": {"near_duplicates": None}},
        "split": {"eval": 0.3, "mode": "disjoint"},
        "rounds": 1,
        "seed": 4,
    }
    texts = versions(12)
    workshop.write_prompts(texts)
    workshop.go(**settings)
    apart = {text: record.split for text, record in workshop.records().items()}
    for start in range(0, len(texts), 3):
        assert len({apart[text] for text in texts[start : start + 3]}) == 1
    own = {
        text: split_of(r.prompt.id, workshop.config().pipeline.generate.split, 4)
        for text, r in workshop.records().items()
    }
    assert own != apart

    grown = another_workshop("grown")
    for count in (9, 25, 36):
        grown.write_prompts(random.Random(count).sample(texts, len(texts))[:count] if count < 36 else texts[::-1])
        grown.go(**settings)
    assert {text: record.split for text, record in grown.records().items()} == apart
    assert grown.datasets() == workshop.datasets()
    for text, record in grown.records().items():
        assert any(key.stage == "label" for key in record.steps) or apart[text] == "sft"


def test_kept_prompts_of_different_splits_are_not_alike(workshop: Any) -> None:
    workshop.write_prompts(versions(10))
    workshop.go(split={"eval": 0.4}, rounds=1)
    splits = {
        text: record.split for text, record in workshop.records().items() if record.outcome.status == "trajectory"
    }
    held_out = [text for text, split in splits.items() if split == "eval"]
    assert held_out
    for one in held_out:
        for two in splits.keys() - set(held_out):
            assert jaccard(shingles(normalised(one)), shingles(normalised(two))) < 0.8
