"""An eval stage in full."""

from typing import Any

from cai.config.evaluation import EvaluationConfig, ModelConfig
from cai.config.recipe import EvalStage
from cai.recipe.engines import engine_ruling, served
from cai.recipe.names import Names
from cai.recipe.plan import Input, PlannedStage, templates_inputs

# Models, prompts and templates are read by their content; the number of requests under way changes no answer.
_NOT_RULING = {"models", "prompts", "judge", "reward_model", "prompts_dir", "max_in_flight"}


def plan_eval(stage: EvalStage, names: Names) -> PlannedStage:
    """The stage in full.

    Args:
        stage: The stage.
        names: Names of the stages before it.

    Raises:
        UsageError: It evaluates `base`, and there is no such model.
    """
    resolved, reads = _resolved(stage.eval, names)
    out, file = names.out(stage.name), names.settings_file(stage.name)
    return PlannedStage(
        name=stage.name,
        kind=stage.kind,
        out=out,
        settings_file=file,
        settings=resolved.model_dump(mode="json"),
        arguments=("eval", "--config", str(file), "--out", str(out), "--json"),
        reads=tuple(reads),
        ruling=_ruling(resolved),
    )


def _resolved(settings: EvaluationConfig, names: Names) -> tuple[EvaluationConfig, list[Input]]:
    reads: list[Input] = []
    changed: dict[str, Any] = {"models": {}, "prompts": {}}
    for name, model in settings.models.items():
        changed["models"][name], found = served(f"models.{name}", model, names)
        reads += found
    if settings.judge is not None:
        changed["judge"], found = served("judge", settings.judge, names)
        reads += found
    for name, given in settings.prompts.items():
        path = names.prompts(given.path)
        changed["prompts"][name] = given.model_copy(update={"path": path})
        reads.append(Input(f"prompts.{name}", "prompts", path, names.stage(given.path)))
    if settings.reward_model is not None:
        reward = names.weights(settings.reward_model)
        changed["reward_model"] = reward.path
        reads.append(Input("reward_model", "model", reward.path, reward.stage))
    if settings.preferences.constitution is not None:
        reads.append(Input("preferences.constitution", "constitution", settings.preferences.constitution))
    reads += templates_inputs(settings.prompts_dir)
    return settings.model_copy(update=changed), reads


def _ruling(settings: EvaluationConfig) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude=_NOT_RULING) | {
        "baseline": settings.base,
        "models": {name: _of_model(model) for name, model in settings.models.items()},
        "judge": None if settings.judge is None else _of_model(settings.judge),
        "sets": {name: one.model_dump(mode="json", exclude={"path"}) for name, one in settings.prompts.items()},
    }


def _of_model(model: ModelConfig) -> dict[str, Any]:
    return {"engine": engine_ruling(model.engine), "form": model.form}
