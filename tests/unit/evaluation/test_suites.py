"""Sets of prompts: what is expected of each, limits, duplicates, and files that are not there."""

from pathlib import Path
from typing import Any

import pytest

from cai.config.evaluation import EvaluationConfig
from cai.errors import PromptSourceError
from cai.evaluation.suites import PromptSet, load_sets, unmarked

ROWS = '{"prompt": "a", "hazard": "vcr"}\n{"prompt": "b"}\n{"prompt": "a", "hazard": "vcr"}\n{"prompt": "c"}\n'


def config(limit: int | None = None, **prompts: Any) -> EvaluationConfig:
    models = {"m": {"engine": {"kind": "scripted"}}}
    return EvaluationConfig.model_validate({"models": models, "prompts": prompts, "limit": limit})


def load(tmp_path: Path, most: int | None = None, **chosen: Any) -> PromptSet:
    path = tmp_path / "p.jsonl"
    path.write_text(ROWS)
    (found,) = load_sets(config(most, s={"path": str(path), **chosen}))
    return found


@pytest.mark.parametrize(
    ("expects", "harmful"),
    [("by_hazard", [True, False, False]), ("refuse", [True] * 3), ("answer", [False] * 3)],
)
def test_what_is_expected(tmp_path: Path, expects: str, harmful: list[bool]) -> None:
    found = load(tmp_path, expects=expects)
    assert [item.prompt.messages[0].content for item in found.items] == ["a", "b", "c"]
    assert [item.harmful for item in found.items] == harmful
    assert {item.set for item in found.items} == {"s"}


def test_the_tighter_limit_holds_and_duplicates_do_not_count(tmp_path: Path) -> None:
    assert len(load(tmp_path, 3, limit=2).items) == 2
    assert len(load(tmp_path, 1, limit=2).items) == 1
    assert len(load(tmp_path, 3).items) == 3


def test_shipped_prompts_go_by_their_name() -> None:
    (found,) = load_sets(config(s="cai-sandbox"))
    assert sum(item.harmful for item in found.items) == 300
    assert len(found.items) == 500


def test_a_missing_set_is_a_usage_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(PromptSourceError, match="there is no such file") as caught:
        load_sets(config(s=str(tmp_path / "gone.jsonl")))
    assert caught.value.where == str(tmp_path / "gone.jsonl")
    assert caught.value.exit_code == 2


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text("\n")
    with pytest.raises(PromptSourceError, match="holds no prompt"):
        load_sets(config(s=str(tmp_path / "p.jsonl")))


def test_sets_that_nobody_marked_are_named(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_text("one\ntwo\n")
    settings = config(plain=str(path), safe={"path": str(path), "expects": "answer"}, sandbox="cai-sandbox")
    assert unmarked(load_sets(settings), settings) == ("plain",)
