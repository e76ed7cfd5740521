"""Published human comparisons become judgements, every row accounted for."""

from collections import Counter
from pathlib import Path

import pytest

from cai.feedback.columns import Columns
from cai.feedback.formats.chosen import DIFFERENT_PROMPTS
from cai.feedback.formats.read import entries, format_of
from cai.feedback.judgement import Judgement

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "format_", "judgements", "reasons"),
    [
        ("hh_rlhf/harmless-base_test.jsonl.gz", "hh-rlhf", 2307, {DIFFERENT_PROMPTS: 5}),
        ("llmbar/Natural.json", "jsonl", 100, {}),
        ("llmbar/Adversarial_Neighbor.json", "jsonl", 134, {}),
        ("icai/example_ap.json", "annotated-pairs", 1, {}),
    ],
)
def test_published_comparisons(name: str, format_: str, judgements: int, reasons: dict[str, int]) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in ../shared/data")
    assert format_of(path) == format_
    found = [entry.found for entry in entries(path, format_, Columns())]
    said = [one for one in found if isinstance(one, Judgement)]
    assert len(said) == judgements
    assert Counter(one for one in found if isinstance(one, str)) == reasons
    assert all(one.prompt and one.prompt[-1].role == "user" and one.response_a is not None for one in said)
    if format_ == "jsonl":
        # Right answers stand on both sides, so that neither is always A.
        assert {one.p_a for one in said} == {0.0, 1.0}
