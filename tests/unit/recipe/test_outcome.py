"""The figures that end a recipe are those in the files of its stages."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cai.recipe.outcome import outcome
from cai.recipe.plan import Recipe
from cai.recipe.state import RecipeState, StageState

MADE = {"name": "made", "kind": "generate"}


def trained(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "kind": "train", "train": {"kind": kind, "model": "org/m", "data": [{"path": "made"}]}}


def measured(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "eval", "eval": {"models": {"base": "org/m"}, "prompts": {"x": "made"}}}


def finished(recipe: Recipe, results: dict[str, Any]) -> RecipeState:
    """All stages done, with these results."""
    for name, row in results.items():
        path = recipe.stage(name).result
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
    stages = [
        StageState(stage.name, stage.kind, "done", 1.5, "f", started_at="a", finished_at="b") for stage in recipe.stages
    ]
    return RecipeState(recipe.folder, recipe.name, {stage.name: stage for stage in stages})


def test_the_last_evaluation_and_the_last_reward_model_count(plan: Callable[..., Recipe], folder: Path) -> None:
    report = {"name": "report", "kind": "report"}
    stages = [MADE, trained("reward", "reward"), trained("dpo", "dpo"), measured("first"), measured("last"), report]
    recipe = plan(*stages)
    figures = {"model": "base", "harm_rate": None, "benign_answered_rate": 0.9, "over_refusal_rate": 0.1}
    results = {
        "reward": {"reward_model": {"heldout_accuracy": 0.93, "ece": 0.02, "n": 100}},
        "dpo": {"kind": "dpo"},
        "first": {"models": [{"model": "older"}]},
        "last": {"models": [{**figures, "distinct_2": 0.5, "mean_length": 12}]},
        "report": "a page",
    }
    state = finished(recipe, results)
    row = outcome(recipe, state)
    assert row["evaluation"] == [{**figures, "distinct_2": 0.5}]
    assert row["reward_model"] == {"heldout_accuracy": 0.93, "ece": 0.02}
    assert row["report"] == str(folder / "out" / "report.html")
    assert row["stages"][0] == {"name": "made", "status": "done", "seconds": 1.5}
    # What is being made anew is not shown as if it stood.
    state.stages["last"] = replace(state.stages["last"], finished_at=None)
    assert outcome(recipe, state)["evaluation"][0]["model"] == "older"


def test_without_such_stages_there_are_no_figures(plan: Callable[..., Recipe]) -> None:
    recipe = plan(MADE)
    row = outcome(recipe, finished(recipe, {}))
    assert (row["evaluation"], row["reward_model"], row["report"]) == ([], None, None)
