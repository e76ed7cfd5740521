"""The stages of a recipe, and the places in them where the name of an earlier stage may stand for what it made."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from cai.config.base import Config
from cai.config.evaluation import EvaluationConfig, ModelConfig
from cai.config.prompts import Prompts, as_mixture
from cai.config.training import TrainConfig

BASE = "base"
"""Where a model stands, this names the model of the pipeline's engine `default`."""

RESERVED = (BASE, "configs", "prompts", "replaced", "logs", "lock")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a stage's name has small letters, digits, `-` and `_` only, for its folder is named by it")
    if name in RESERVED:
        raise ValueError(f"`{name}` has a meaning of its own in a recipe: choose another name")
    return name


class StageBase(Config):
    """What every stage has."""

    name: Annotated[str, AfterValidator(_named)]
    """Name of the stage and of its folder. Later stages write it where they take what this one made."""


class GenerateStage(StageBase):
    """`cai generate` with the settings of this pipeline, some of them changed.

    What stands here is laid over the pipeline's own setting by setting, as `--set` does; a group that names another
    `kind` takes the place of the whole group.
    """

    kind: Literal["generate"] = "generate"
    constitution: str | None = None
    """Constitution in place of the pipeline's."""
    prompts: Prompts | None = None
    """Prompts in place of the pipeline's; a generate stage stands for the prompts that it kept for evaluation."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Take at most this many prompts."""
    engines: Annotated[dict[str, dict[str, Any]], Field(default_factory=dict)]
    """Engines to add, or settings of engines to change; `model` may name a train stage."""
    roles: Annotated[dict[str, dict[str, Any]], Field(default_factory=dict)]
    """Settings of roles to change; `adapter` may name a train stage with LoRA."""
    generate: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Settings of `generate` to change."""


class TrainStage(StageBase):
    """`cai train`."""

    kind: Literal["train"] = "train"
    train: TrainConfig
    """`model` may name a train stage, each `path` of `data` a generate stage."""


class EvalStage(StageBase):
    """`cai eval`."""

    kind: Literal["eval"] = "eval"
    eval: EvaluationConfig
    """Models, the judge and `reward_model` may name train stages; a path of `prompts` that names a generate stage
    stands for the prompts that it kept for evaluation."""


class ReportStage(StageBase):
    """`cai report` on all that the earlier stages left."""

    kind: Literal["report"] = "report"


StageConfig = Annotated[GenerateStage | TrainStage | EvalStage | ReportStage, Field(discriminator="kind")]

Wanted = Literal["model", "adapter", "reward_model", "data", "prompts"]

_WORDS: dict[Wanted, str] = {
    "model": "a train stage that makes a language model",
    "adapter": "a train stage with `lora`",
    "reward_model": "a train stage of kind reward",
    "data": "a generate stage",
    "prompts": "a generate stage",
}


class Reference(NamedTuple):
    """A place where a stage may be named: its key path inside the stage, what stands there, what that must be."""

    at: tuple[str | int, ...]
    value: str
    wants: Wanted


def references(stage: StageConfig) -> Iterator[Reference]:
    """Every such place of a stage, also where a path or the name of a model stands."""
    if isinstance(stage, GenerateStage):
        for key, engine in stage.engines.items():
            yield from _filled(("engines", key, "model"), engine.get("model"), "model")
        for key, role in stage.roles.items():
            yield from _filled(("roles", key, "adapter"), role.get("adapter"), "adapter")
        for source in as_mixture(stage.prompts).sources if stage.prompts is not None else ():
            yield Reference(("prompts",), source.path, "prompts")
    elif isinstance(stage, TrainStage):
        yield Reference(("train", "model"), stage.train.model, "model")
        for index, data in enumerate(stage.train.data):
            yield Reference(("train", "data", index, "path"), data.path, "data")
    elif isinstance(stage, EvalStage):
        for name, model in stage.eval.models.items():
            yield from _of_model(("eval", "models", name), model)
        if stage.eval.judge is not None:
            yield from _of_model(("eval", "judge"), stage.eval.judge)
        for name, chosen in stage.eval.prompts.items():
            yield Reference(("eval", "prompts", name, "path"), chosen.path, "prompts")
        yield from _filled(("eval", "reward_model"), stage.eval.reward_model, "reward_model")


def _of_model(at: tuple[str | int, ...], model: ModelConfig) -> Iterator[Reference]:
    if model.engine.kind == "vllm":
        yield Reference((*at, "engine", "model"), model.engine.model, "model")
    yield from _filled((*at, "adapter"), model.adapter, "adapter")


def _filled(at: tuple[str | int, ...], value: Any, wants: Wanted) -> Iterator[Reference]:
    if isinstance(value, str):
        yield Reference(at, value, wants)


def check_stages(stages: Sequence[StageConfig]) -> None:
    """Names are used once, and every stage that is named comes earlier and makes what is wanted.

    Raises:
        PydanticCustomError: One does not; it points at the place.
    """
    by_name: dict[str, tuple[int, StageConfig]] = {}
    for index, stage in enumerate(stages):
        if stage.name in by_name:
            words = {"at": ["stages", index, "name"], "name": stage.name, "first": by_name[stage.name][0] + 1}
            raise PydanticCustomError("stage_twice", "`{name}` is already the name of stage {first}", words)
        by_name[stage.name] = (index, stage)
    for index, stage in enumerate(stages):
        for found in references(stage):
            if found.value in by_name:
                _check_reference(("stages", index, *found.at), found, index, *by_name[found.value])


def _check_reference(at: tuple[str | int, ...], found: Reference, here: int, index: int, named: StageConfig) -> None:
    words: dict[str, Any] = {"at": list(at), "name": named.name, "wanted": _WORDS[found.wants]}
    path = " (for a folder of this name write `./{name}`)"
    if index >= here:
        which = "this stage itself" if index == here else "a later stage"
        raise PydanticCustomError(
            "later_stage", f"`{{name}}` is {which}, and only earlier ones can be named{path}", words
        )
    if not makes(named, found.wants):
        words["made"] = named.train.kind if isinstance(named, TrainStage) else named.kind
        text = f"`{{name}}` is a stage of kind {{made}}, but this must be {{wanted}}{path}"
        raise PydanticCustomError("other_stage", text, words)


def makes(stage: StageConfig, wanted: Wanted) -> bool:
    """Whether a stage makes what is wanted in some place."""
    if wanted in ("data", "prompts"):
        return isinstance(stage, GenerateStage)
    if not isinstance(stage, TrainStage):
        return False
    if wanted == "reward_model":
        return stage.train.kind == "reward"
    return stage.train.kind != "reward" and (wanted == "model" or stage.train.lora is not None)
