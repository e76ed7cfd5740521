"""The shipped prompts are what their command draws, and those to train on share nothing with those to measure with."""

import json

import pytest

from cai.resources import prompts_path
from cai.sandbox.oracle import read_request
from cai.sandbox.prompts import draw_prompts


@pytest.mark.parametrize(
    ("name", "harmful", "benign", "heldout"),
    [("cai-sandbox", 300, 200, True), ("cai-sandbox-training", 1200, 1200, False)],
)
def test_shipped_prompts_can_be_drawn_again(name: str, harmful: int, benign: int, heldout: bool) -> None:
    drawn = "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in draw_prompts(harmful, benign, 0, heldout=heldout)
    )
    assert prompts_path(name).read_text(encoding="utf-8") == drawn


def test_no_combination_is_in_both() -> None:
    combinations = []
    for name in ("cai-sandbox", "cai-sandbox-training"):
        rows = [json.loads(line)["prompt"] for line in prompts_path(name).read_text(encoding="utf-8").splitlines()]
        requests = [read_request(text) for text in rows]
        combinations.append({(request.want, request.slots) for request in requests if request})
        assert all(requests)
    assert not combinations[0] & combinations[1]
