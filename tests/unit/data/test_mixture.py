"""Mixtures: shares, what does and does not change a draw, and that nothing comes twice."""

import json
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.config.prompts import PromptsConfig
from cai.data.mixture import _Ranked, _thresholds, mix
from cai.errors import PromptSourceError
from cai.records import Prompt


def write(path: Path, start: int, count: int, **more: Any) -> str:
    path.write_text("".join(json.dumps({"prompt": f"p{start + i}", **more}) + "\n" for i in range(count)))
    return str(path)


def mixture(*sources: Any, **more: Any) -> PromptsConfig:
    return PromptsConfig.model_validate({"sources": sources, **more})


def names(prompts: Any) -> list[str]:
    return [prompt.messages[0].content for prompt in prompts]


def files(prompts: Any) -> Counter[str]:
    return Counter(prompt.source.partition(":")[0] for prompt in prompts)


def test_one_source_is_taken_whole_in_its_order(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", 0, 20)
    for prompts in (path, mixture({"path": path, "weight": 0.1})):
        mixed = mix(prompts, 0)
        assert names(mixed) == names(mixed) == [f"p{index}" for index in range(20)]
        assert mixed.count == 20


def test_sources_have_their_shares_from_the_beginning_on(tmp_path: Path) -> None:
    red, helpful = write(tmp_path / "red.jsonl", 0, 4000), write(tmp_path / "helpful.jsonl", 10_000, 500)
    mixed = mix(mixture({"path": red, "weight": 3}, {"path": helpful, "weight": 1}), 0)
    every = list(mixed)
    assert files(every)["helpful.jsonl"] == 500
    assert abs(files(every)["red.jsonl"] - 1500) < 120
    assert len(every) == mixed.count == len({prompt.id for prompt in every})
    for end in (40, 400):
        assert abs(files(every[:end])["red.jsonl"] / end - 0.75) < 0.03


def test_a_draw_depends_on_seed_and_prompt_not_on_places(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.jsonl", 0, 600), write(tmp_path / "b.jsonl", 1000, 200)
    first = names(mix(mixture(a, b), 0))
    lines = Path(a).read_text().splitlines(keepends=True)
    (tmp_path / "c.jsonl").write_text("".join(reversed(lines)))
    second = names(mix(mixture(b, str(tmp_path / "c.jsonl")), 0))
    assert set(first) == set(second)
    assert set(names(mix(mixture(a, b), 1))) != set(first)
    Path(a).write_text("".join(lines[:-30]))
    shorter = set(names(mix(mixture(a, b), 0)))
    # The threshold has risen a little: what was taken of the rest still is.
    assert set(first) - {f"p{index}" for index in range(570, 600)} <= shorter


def test_weights_of_hazards(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.jsonl", 0, 1000, hazard="ncr"),
        write(tmp_path / "b.jsonl", 1000, 1000, hazard="hte"),
        write(tmp_path / "c.jsonl", 2000, 1000),
        write(tmp_path / "d.jsonl", 3000, 1000, hazard="vcr"),
    ]
    text = "".join(Path(path).read_text() for path in paths)
    (tmp_path / "all.jsonl").write_text(text)
    every = list(mix(mixture(str(tmp_path / "all.jsonl"), hazard_weights={"ncr": 2, "hte": 0.5, "none": 0}), 0))
    taken = Counter(prompt.hazard for prompt in every)
    assert (taken["ncr"], taken[None]) == (1000, 0)
    assert abs(taken["vcr"] - 500) < 60
    assert abs(taken["hte"] - 250) < 50


def test_shares_hold_after_hazards_were_thinned(tmp_path: Path) -> None:
    red = write(tmp_path / "red.jsonl", 0, 3000, hazard="ncr")
    benign = write(tmp_path / "benign.jsonl", 5000, 3000)
    every = list(mix(mixture(red, benign, hazard_weights={"ncr": 0.2}), 0))
    found = files(every)
    assert abs(found["red.jsonl"] / len(every) - 0.5) < 0.04


def test_weights_of_hazards_thin_their_own_source_only(tmp_path: Path) -> None:
    red = tmp_path / "red.jsonl"
    rows = [{"prompt": f"p{index}", "hazard": "ncr" if index < 1000 else "hte"} for index in range(2000)]
    red.write_text("".join(json.dumps(row) + "\n" for row in rows))
    benign = write(tmp_path / "benign.jsonl", 5000, 100)
    every = list(mix(mixture({"path": str(red), "weight": 3}, benign, hazard_weights={"ncr": 2}), 0))
    taken = Counter(prompt.hazard for prompt in every)
    assert taken[None] == 100
    assert abs(taken["ncr"] - 200) < 45
    assert abs(taken["hte"] - 100) < 35


def test_a_source_whose_hazards_are_all_left_out_takes_no_part(tmp_path: Path) -> None:
    red, benign = write(tmp_path / "red.jsonl", 0, 10, hazard="ncr"), write(tmp_path / "benign.jsonl", 50, 5)
    assert files(mix(mixture(red, benign, hazard_weights={"ncr": 0}), 0)) == {"benign.jsonl": 5}
    with pytest.raises(PromptSourceError, match="the weights leave no prompt"):
        mix(mixture(red, hazard_weights={"ncr": 0, "none": 1}), 0)


def test_every_row_is_checked_before_the_first_is_given(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.jsonl", 0, 5), tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "x"}\n{"prompt": 3}\n')
    with pytest.raises(PromptSourceError) as caught:
        mix(mixture(good, str(bad)), 0)
    assert caught.value.where == f"{bad}:2"
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(PromptSourceError, match="holds no prompt") as caught:
        mix(mixture(good, str(tmp_path / "empty.jsonl")), 0)
    assert caught.value.where == str(tmp_path / "empty.jsonl")


def test_a_weight_for_no_hazard_of_ours_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PromptSourceError, match="there is no hazard 'nrc'") as caught:
        mix(mixture(write(tmp_path / "a.jsonl", 0, 5), hazard_weights={"nrc": 2}), 0)
    assert caught.value.where == "hazard_weights"


def test_a_source_that_shrank_meanwhile_is_noticed(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.jsonl", 0, 10), write(tmp_path / "b.jsonl", 50, 10)
    mixed = mix(mixture(a, b), 0)
    write(tmp_path / "b.jsonl", 50, 3)
    with pytest.raises(PromptSourceError, match="fewer prompts"):
        list(mixed)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.integers(1, 10_000), st.floats(0.01, 10)), min_size=1, max_size=6))
@settings(deadline=None)
def test_thresholds_give_shares_and_take_one_source_whole(sources: list[tuple[float, int, float]]) -> None:
    weights = [weight for weight, _, _ in sources]
    ranked = [_Ranked(array("d"), size * most, most) for _, size, most in sources]
    thresholds = _thresholds(weights, ranked)
    shares = [threshold * one.most for threshold, one in zip(thresholds, ranked, strict=True)]
    assert max(shares) == pytest.approx(1)
    taken = [share * one.size for share, one in zip(shares, ranked, strict=True)]
    for share, weight in zip(taken, weights, strict=True):
        assert share / sum(taken) == pytest.approx(weight / sum(weights))


def test_the_same_prompt_in_two_sources_is_left_to_the_run(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.jsonl", 0, 5), write(tmp_path / "b.jsonl", 0, 5)
    found: list[Prompt] = list(mix(mixture(a, b), 0))
    assert len(found) == 10
    assert len({prompt.id for prompt in found}) == 5
