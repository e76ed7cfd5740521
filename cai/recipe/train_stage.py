"""A train stage in full."""

from cai.config.recipe import TrainStage
from cai.recipe.names import Names
from cai.recipe.plan import Input, InputKind, PlannedStage

ANY_WAY = {"micro_batch_size", "log_steps", "save_steps", "keep_checkpoints", "report_to"}
"""Settings of memory, speed, and what is shown and kept, which change no result."""
# These are read by their content.
_NOT_RULING = {"model", "data", *ANY_WAY}
_TABLES: dict[str, InputKind] = {"sft": "sft", "reward": "preferences", "dpo": "preferences", "kto": "preferences"}


def plan_train(stage: TrainStage, names: Names) -> PlannedStage:
    """The stage in full.

    Args:
        stage: The stage.
        names: Names of the stages before it.

    Raises:
        UsageError: It starts from `base`, and there is no such model.
    """
    settings = stage.train
    model = names.weights(settings.model)
    data = tuple(one.model_copy(update={"path": names.data(one.path)}) for one in settings.data)
    reads = [Input("model", "model", model.path, model.stage, model.revision or "")]
    reads += [
        Input(f"data[{index}]", _TABLES[settings.kind], found.path, names.stage(given.path))
        for index, (given, found) in enumerate(zip(settings.data, data, strict=True))
    ]
    resolved = settings.model_copy(update={"model": model.path, "data": data})
    out, file = names.out(stage.name), names.settings_file(stage.name)
    return PlannedStage(
        name=stage.name,
        kind=stage.kind,
        out=out,
        settings_file=file,
        settings=resolved.model_dump(mode="json"),
        arguments=("train", settings.kind, "--config", str(file), "--out", str(out), "--json"),
        reads=tuple(reads),
        ruling=settings.model_dump(mode="json", exclude=_NOT_RULING) | {"weights": [one.weight for one in data]},
    )
