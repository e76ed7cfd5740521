"""What a recipe came to: the figures of its evaluation and its reward model, read from the files of its stages."""

from typing import Any

from cai.recipe.plan import PlannedStage, Recipe
from cai.recipe.state import RecipeState
from cai.store.json_file import read_object

FIGURES = ("harm_rate", "benign_answered_rate", "over_refusal_rate", "distinct_2")
"""Of each evaluated model, as its evaluation.json names them."""
REWARD_FIGURES = ("heldout_accuracy", "ece")
_FIX = "remove it and run the recipe again"


def outcome(recipe: Recipe, state: RecipeState) -> dict[str, Any]:
    """Plain JSON values: `run_dir`, `stages`, `evaluation`, `reward_model`, `report`.

    The figures are those of the last eval stage and of the last reward training; without one, an empty list and None.

    Raises:
        StorageError: A result cannot be read.
    """
    stages = state.stages
    return {
        "run_dir": str(recipe.folder),
        "stages": [
            {key: getattr(stages[one.name], key) for key in ("name", "status", "seconds")} for one in recipe.stages
        ],
        "evaluation": _evaluation(_last(recipe, state, "eval")),
        "reward_model": _reward_model(_last(recipe, state, "train", "reward")),
        "report": next((str(one.out) for one in _finished(recipe, state) if one.kind == "report"), None),
    }


def _finished(recipe: Recipe, state: RecipeState) -> list[PlannedStage]:
    """The stages that have come to their end, the last one first."""
    return [
        stage
        for stage in reversed(recipe.stages)
        if state.stages[stage.name].finished_at is not None and stage.result.is_file()
    ]


def _last(recipe: Recipe, state: RecipeState, kind: str, training: str | None = None) -> dict[str, Any]:
    """The result of the last stage of a kind; empty if there is none."""
    for stage in _finished(recipe, state):
        if stage.kind == kind and (training is None or (stage.settings or {}).get("kind") == training):
            return read_object(stage.result, _FIX)
    return {}


def _evaluation(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [{key: row.get(key) for key in ("model", *FIGURES)} for row in result.get("models", ())]


def _reward_model(result: dict[str, Any]) -> dict[str, Any] | None:
    figures = result.get("reward_model")
    return {key: figures.get(key) for key in REWARD_FIGURES} if isinstance(figures, dict) else None
