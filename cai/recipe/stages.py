"""From a pipeline with stages to the plan of each: names resolved, settings spelled out, commands written."""

from collections.abc import Iterable
from pathlib import Path

from cai.config.layers import RecipeConfig
from cai.config.recipe import EvalStage, GenerateStage, StageConfig, TrainStage
from cai.errors import UsageError
from cai.recipe.eval_stage import plan_eval
from cai.recipe.generate_stage import plan_generate
from cai.recipe.names import Names
from cai.recipe.plan import Input, PlannedStage, Recipe
from cai.recipe.train_stage import plan_train


def plan_recipe(config: RecipeConfig, folder: Path) -> Recipe:
    """Resolve every stage.

    Args:
        config: The pipeline with its stages.
        folder: Where everything goes; it need not be there.

    Raises:
        UsageError: There are no stages, or something that a stage needs is not named.
    """
    if not config.pipeline.stages:
        fix = "add `stages` to it, or use one that has them, such as pipelines/sandbox.yaml"
        raise UsageError("this pipeline has no stages", where=config.pipeline.name, fix=fix)
    names = Names(config.pipeline, folder)
    planned: list[PlannedStage] = []
    for stage in config.pipeline.stages:
        planned.append(_planned(stage, names, config, planned))
        names.earlier[stage.name] = stage
    return Recipe(config.pipeline.name, folder, tuple(planned))


def _planned(stage: StageConfig, names: Names, config: RecipeConfig, earlier: Iterable[PlannedStage]) -> PlannedStage:
    if isinstance(stage, GenerateStage):
        return plan_generate(stage, names, config.generating[stage.name])
    if isinstance(stage, TrainStage):
        return plan_train(stage, names)
    if isinstance(stage, EvalStage):
        return plan_eval(stage, names)
    out = names.folder / f"{stage.name}.html"
    return PlannedStage(
        name=stage.name,
        kind=stage.kind,
        out=out,
        settings_file=names.settings_file(stage.name),
        settings=None,
        arguments=("report", str(names.folder), "--out", str(out), "--json"),
        reads=tuple(Input(one.name, "result", str(one.result), one.name) for one in earlier if one.kind != "report"),
        ruling={},
    )
