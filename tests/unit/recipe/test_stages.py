"""Names of stages become paths, and stages become commands with settings files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.config.evaluation import EvaluationConfig
from cai.config.pipeline import PipelineConfig
from cai.config.resolve import load_pipeline
from cai.config.training import SftTraining
from cai.errors import UsageError
from cai.recipe.plan import Input, PlannedStage, Recipe
from cai.recipe.settings_file import write_settings

Plan = Callable[..., Recipe]
MODEL = {"kind": "vllm", "model": "org/model", "revision": "abc"}
MADE = {"name": "made", "kind": "generate"}


def trained(name: str, model: str, **settings: Any) -> dict[str, Any]:
    train = {"kind": "sft", "model": model, "data": [{"path": "made"}], **settings}
    return {"name": name, "kind": "train", "train": train}


def using(model: str) -> dict[str, Any]:
    """A generate stage whose generator is on an engine of its own."""
    return {
        "name": "compare",
        "kind": "generate",
        "engines": {"policy": {"kind": "vllm", "model": model}},
        "roles": {"generator": {"engine": "policy"}},
        "generate": {"rounds": 0, "comparison": {"source": "sampled"}},
    }


def inputs(stage: PlannedStage) -> dict[str, tuple[str, str | None]]:
    return {found.at: (found.path, found.stage) for found in stage.reads}


def test_each_stage_has_the_command_that_a_person_would_type(plan: Plan, folder: Path) -> None:
    evaluation = {"name": "measured", "kind": "eval", "eval": {"models": {"a": "sft"}, "prompts": {"x": "made"}}}
    report = {"name": "report", "kind": "report"}
    recipe = plan(
        {**MADE, "limit": 3}, trained("sft", "base"), evaluation, report, out=Path("out"), engines={"default": MODEL}
    )
    assert [" ".join(stage.arguments) for stage in recipe.stages] == [
        "generate --pipeline out/configs/made.yaml --limit 3 --out out/made --json",
        "train sft --config out/configs/sft.yaml --out out/sft --json",
        "eval --config out/configs/measured.yaml --out out/measured --json",
        "report out --out out/report.html --json",
    ]
    assert [stage.needs for stage in recipe.stages] == [(), ("made",), ("sft", "made"), ("made", "sft", "measured")]
    assert recipe.followers("sft") == ["measured", "report"]
    results = [stage.result.relative_to("out").as_posix() for stage in recipe.stages]
    assert results == ["made/manifest.json", "sft/summary.json", "measured/evaluation.json", "report.html"]


def test_settings_are_valid_as_they_will_be_written(plan: Plan) -> None:
    evaluation = {"name": "measured", "kind": "eval", "eval": {"models": {"a": "sft"}, "prompts": {"x": "p.jsonl"}}}
    made, sft, measured = plan(MADE, trained("sft", "base"), evaluation, engines={"default": MODEL}).stages
    pipeline = PipelineConfig.model_validate(made.settings)
    assert (pipeline.name, pipeline.constitution, pipeline.stages) == ("demo", "c.yaml", ())
    assert SftTraining.model_validate(sft.settings).model == "org/model"
    assert EvaluationConfig.model_validate(measured.settings).models["a"].engine.model.endswith("out/sft")


def test_names_mean_what_the_stages_make_and_paths_stay(plan: Plan, folder: Path) -> None:
    out = folder / "out"
    data = [{"path": "made"}, {"path": "./made"}, {"path": "other.jsonl", "weight": 0.5}]
    recipe = plan(MADE, trained("sft", "base", data=data), using("sft"), engines={"default": MODEL})
    _, sft, compare = recipe.stages
    assert sft.reads[0] == Input("model", "model", "org/model", None, "abc")
    assert inputs(sft) == {
        "model": ("org/model", None),
        "data[0]": (str(out / "made"), "made"),
        "data[1]": ("./made", None),
        "data[2]": ("other.jsonl", None),
    }
    assert inputs(compare)["engines.policy.model"] == (str(out / "sft"), "sft")
    assert inputs(compare)["engines.default.model"] == ("org/model", None)


def test_two_engines_two_models(plan: Plan, folder: Path) -> None:
    config = PipelineConfig.model_validate(
        plan(MADE, trained("sft", "base"), using("sft"), engines={"default": MODEL}).stages[2].settings
    )
    assert config.engines["policy"].model == str(folder / "out" / "sft")
    assert config.engines[config.roles.labeler.engine].model == "org/model"
    assert config.engines[config.roles.generator.engine].model == str(folder / "out" / "sft")


def test_an_adapter_goes_to_the_roles_and_the_engine_gets_the_model_under_it(plan: Plan, folder: Path) -> None:
    adapter = str(folder / "out" / "sft")
    stages = (MADE, trained("sft", "base", lora={}), using("sft"))
    compare = plan(*stages, engines={"default": MODEL}).stages[2]
    config = PipelineConfig.model_validate(compare.settings)
    assert config.engines["policy"].model_dump()["revision"] == "abc"
    assert config.engines["policy"].model == "org/model"
    assert config.roles.generator.adapter == adapter
    assert config.roles.labeler.adapter is None
    assert inputs(compare)["roles.generator.adapter"] == (adapter, "sft")
    evaluation = {"models": {"a": "sft"}, "prompts": {"x": "p.jsonl"}, "judge": "base"}
    measured = plan(*stages[:2], {"name": "e", "kind": "eval", "eval": evaluation}, engines={"default": MODEL}).stages[
        2
    ]
    settings = EvaluationConfig.model_validate(measured.settings)
    assert (settings.models["a"].engine.model, settings.models["a"].adapter) == ("org/model", adapter)
    assert settings.judge is not None and settings.judge.adapter is None
    assert inputs(measured)["models.a.adapter"] == (adapter, "sft")


def test_an_adapter_trained_on_an_adapter_is_a_whole_model(plan: Plan, folder: Path) -> None:
    stages = (MADE, trained("sft", "base", lora={}), trained("more", "sft", lora={}))
    config = PipelineConfig.model_validate(plan(*stages, using("more"), engines={"default": MODEL}).stages[3].settings)
    assert config.engines["policy"].model == str(folder / "out" / "more")
    assert config.roles.generator.adapter is None
    role = {"name": "x", "kind": "generate", "roles": {"generator": {"adapter": "more"}}}
    with pytest.raises(UsageError, match="makes a whole model"):
        plan(*stages, role, engines={"default": MODEL})


def test_one_engine_serves_the_model_with_and_without_its_adapter(plan: Plan, folder: Path) -> None:
    role = {"name": "x", "kind": "generate", "roles": {"generator": {"adapter": "sft"}}}
    stage = plan(MADE, trained("sft", "base", lora={}), role, engines={"default": MODEL}).stages[2]
    assert inputs(stage)["roles.generator.adapter"] == (str(folder / "out" / "sft"), "sft")
    assert [found.at for found in stage.reads if found.at.startswith("engines.")] == ["engines.default.model"]


def test_prompts_that_a_stage_kept(plan: Plan, folder: Path) -> None:
    kept = str(folder / "out" / "prompts" / "made.jsonl")
    again = plan(MADE, {"name": "again", "kind": "generate", "prompts": "made"}).stages[1]
    assert again.settings is not None and again.settings["prompts"] == kept
    assert inputs(again)["prompts"] == (kept, "made")


def test_a_server_keeps_the_name_of_its_model(plan: Plan) -> None:
    server = {"kind": "openai", "model": "sft", "base_urls": ["http://127.0.0.1:1/v1"]}
    stage = {**using("sft"), "engines": {"policy": server}}
    compare = plan(MADE, trained("sft", "org/model"), stage).stages[2]
    assert PipelineConfig.model_validate(compare.settings).engines["policy"].model == "sft"
    assert "engines.policy.model" not in inputs(compare)
    assert compare.ruling["engines"]["policy"]["model"] == "sft"


def test_base_must_be_a_model_that_can_be_had(plan: Plan) -> None:
    server = {"kind": "openai", "model": "x", "base_urls": ["http://127.0.0.1:1/v1"]}
    with pytest.raises(UsageError, match="is a server"):
        plan(MADE, trained("sft", "base"), engines={"default": server})
    roles = {role: {"engine": "other"} for role in ("generator", "critic", "reviser", "labeler")}
    with pytest.raises(UsageError, match="there is no engine `default`"):
        plan(MADE, trained("sft", "base"), engines={"other": MODEL}, roles=roles)


def test_what_is_not_named_anywhere_is_said(plan: Plan) -> None:
    with pytest.raises(UsageError, match="`made` has no prompts"):
        plan(MADE, prompts=None)
    with pytest.raises(UsageError, match="no stages"):
        plan()
    with pytest.raises(UsageError) as caught:
        plan(MADE).stage("maed")
    assert caught.value.fix == "did you mean `made`?"


def test_a_settings_file_never_takes_another_for_what_the_pipeline_names(plan: Plan, folder: Path) -> None:
    # The settings of a stage `c` lie in configs/c.yaml, and the constitution of the pipeline is c.yaml.
    (stage,) = plan({"name": "c", "kind": "generate"}, out=folder / "out").stages
    write_settings(stage.settings_file, stage.name, stage.settings)
    assert stage.settings_file.name == "c.yaml"
    assert load_pipeline(stage.settings_file).constitution == "c.yaml"
