"""Prompts from several sources in a recipe: names of stages among them, and what a change of them makes anew."""

from collections.abc import Callable
from typing import Any

import pytest

from cai.config.pipeline import PipelineConfig
from cai.config.prompts import PromptsConfig
from cai.errors import CaiError, ConfigError, PromptSourceError
from cai.recipe.inputs import check_inputs, stage_fingerprint
from cai.recipe.names import kept_prompts
from cai.recipe.plan import Recipe

Plan = Callable[..., Recipe]
MADE = {"name": "made", "kind": "generate"}


def mixing(*sources: Any, **more: Any) -> dict[str, Any]:
    return {"name": "mixed", "kind": "generate", "prompts": {"sources": sources, **more}}


def test_a_source_may_name_a_stage(plan: Plan) -> None:
    recipe = plan(MADE, mixing({"path": "made", "weight": 3}, "p.jsonl"))
    mixed = recipe.stage("mixed")
    kept = str(kept_prompts(recipe.folder, "made"))
    prompts = PipelineConfig.model_validate(mixed.settings).prompts
    assert isinstance(prompts, PromptsConfig)
    assert [(source.path, source.weight) for source in prompts.sources] == [(kept, 3), ("p.jsonl", 1)]
    read = {found.at: (found.path, found.stage) for found in mixed.reads if found.kind == "prompts"}
    assert read == {"prompts.0": (kept, "made"), "prompts.1": ("p.jsonl", None)}
    assert mixed.needs == ("made",)


def test_a_later_stage_cannot_be_a_source(plan: Plan) -> None:
    with pytest.raises(ConfigError, match="`made` is a later stage"):
        plan(mixing("made"), MADE)


@pytest.mark.parametrize(
    "changed",
    [
        mixing({"path": "p.jsonl", "weight": 2}, "hf:org/name"),
        mixing("p.jsonl", {"path": "hf:org/name", "columns": {"prompt": "text"}}),
        mixing("p.jsonl", "hf:org/name", hazard_weights={"ncr": 2}),
        mixing("p.jsonl", "hf:org/name@abc"),
    ],
)
def test_how_sources_are_mixed_rules_the_result(plan: Plan, changed: dict[str, Any]) -> None:
    first = stage_fingerprint(plan(mixing("p.jsonl", "hf:org/name")).stage("mixed"))
    again = stage_fingerprint(plan(mixing("./p.jsonl", "hf:org/name")).stage("mixed"))
    assert again.value == first.value
    assert stage_fingerprint(plan(changed).stage("mixed")).value != first.value


def test_sources_are_looked_for_before_the_first_stage(plan: Plan) -> None:
    check_inputs(plan(mixing("p.jsonl", "hf:org/name")))
    with pytest.raises(PromptSourceError) as missing:
        check_inputs(plan(mixing("p.jsonl", "q.jsonl")))
    assert missing.value.where == "stages.mixed: q.jsonl"
    with pytest.raises(CaiError, match="not a name of a dataset"):
        check_inputs(plan(mixing("hf:@x")))
