import json
from pathlib import Path
from typing import Any

import pytest

from cai.config.prompts import PromptsConfig
from cai.errors import PromptSourceError
from cai.safety.redteam.seeds import load_seeds

TALK = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def failure(path: str, *hazards: str) -> PromptSourceError:
    with pytest.raises(PromptSourceError) as caught:
        load_seeds(path, hazards, 0)
    return caught.value


def test_seeds_of_one_turn_with_a_hazard_are_used(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl",
        {"prompt": "x", "hazard": "ncr"},
        {"prompt": "x", "hazard": "ncr"},
        {"prompt": "y", "hazard": "hte"},
        {"prompt": "z"},
        {"messages": TALK, "hazard": "ncr"},
    )
    seeds = load_seeds(path, (), 0)
    assert {hazard: len(found) for hazard, found in seeds.by_hazard.items()} == {"ncr": 1, "hte": 1}
    assert (len(seeds.every), seeds.used, seeds.several_turns, seeds.no_hazard) == (4, 2, 1, 1)
    assert list(load_seeds(path, ("hte",), 0).by_hazard) == ["hte"]


def test_the_order_of_the_file_changes_nothing(tmp_path: Path) -> None:
    rows = [{"prompt": f"x{index}", "hazard": "ncr"} for index in range(6)]
    first = load_seeds(write(tmp_path / "a.jsonl", *rows), (), 0)
    second = load_seeds(write(tmp_path / "b.jsonl", *reversed(rows)), (), 0)
    ids = [[prompt.id for prompt in seeds.by_hazard["ncr"]] for seeds in (first, second)]
    assert ids[0] == ids[1]


def test_a_hazard_for_all_seeds(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", {"prompt": "x"})
    assert "no seed of one turn names a hazard" in failure(path).what
    config = PromptsConfig.model_validate({"sources": [{"path": path, "hazard": "scam"}]})
    assert list(load_seeds(config, (), 0).by_hazard) == ["scam"]


def test_some_hazards_are_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", {"prompt": "x", "hazard": "cse"}, {"prompt": "y", "hazard": "hte"})
    assert list(load_seeds(path, (), 0).by_hazard) == ["hte"]
    assert "no new prompts are made of the hazard 'cse'" in failure(path, "cse").what


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", {"prompt": "x", "hazard": "ncr"}, {"prompt": "y", "hazard": "hte"})
    error = failure(path, "ncr", "scam")
    assert (error.what, error.fix) == ("no seed of one turn is for scam", "there are some for hte, ncr")
    assert "there is no hazard 'ncrr'" in failure(path, "ncrr").what
    strange = failure(write(tmp_path / "t.jsonl", {"prompt": "x", "hazard": "crime"}))
    assert "any hazard that the seeds name: crime" in strange.what
