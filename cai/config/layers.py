"""The settings of each generate stage of a recipe: the pipeline's own, with those of the stage laid over them.

Both keep their places in the file, so that whatever does not fit together is said of the line where it stands. It must
not know what a setting does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.config.pipeline import PipelineConfig
from cai.config.recipe import EvalStage, GenerateStage, StageConfig, TrainStage
from cai.config.resolve import overridden, pipeline_file, read_pipeline
from cai.errors import ConfigError
from cai.yaml_model import validate_source
from cai.yaml_source import KeyPath, YamlSource

LAID_OVER = ("constitution", "prompts", "engines", "roles", "generate")
"""Keys of a generate stage that stand for the same keys of the pipeline."""


@dataclass(frozen=True)
class RecipeConfig:
    """A pipeline with stages; `generating` holds the whole settings of each generate stage, by its name."""

    pipeline: PipelineConfig
    generating: Mapping[str, PipelineConfig]


def load_recipe(path: Path, overrides: Sequence[str] = (), seed: int | None = None) -> RecipeConfig:
    """Read a pipeline file with its stages.

    Args:
        path: A file; the name of a shipped one works from any folder.
        overrides: As of `cai.config.resolve.load_pipeline`.
        seed: Seed of every stage; an override of one stage's seed goes before it.

    Raises:
        ConfigError: With every problem, each with its place and the nearest right key.
        StorageError: The file is there but cannot be read.
    """
    file = pipeline_file(path)
    source = overridden(read_pipeline(file), overrides)
    pipeline = validate_source(source, PipelineConfig, ConfigError)
    if seed is not None:
        source = overridden(read_pipeline(file), [*_seeds(pipeline.stages, seed), *overrides])
        pipeline = validate_source(source, PipelineConfig, ConfigError)
    generating = {
        stage.name: validate_source(_laid_over(source, index, stage), PipelineConfig, ConfigError)
        for index, stage in enumerate(pipeline.stages)
        if isinstance(stage, GenerateStage)
    }
    return RecipeConfig(pipeline, generating)


def _seeds(stages: Sequence[StageConfig], seed: int) -> list[str]:
    keys = {GenerateStage: "generate", TrainStage: "train", EvalStage: "eval"}
    found = [
        f"stages.{index}.{keys[type(stage)]}.seed={seed}" for index, stage in enumerate(stages) if type(stage) in keys
    ]
    return [f"generate.seed={seed}", *found]


def _laid_over(source: YamlSource, index: int, stage: GenerateStage) -> YamlSource:
    """The pipeline as this stage sees it, without stages; places are those of the file."""
    merged = YamlSource(source.name)
    merged.data = {key: value for key, value in source.data.items() if key != "stages"}
    merged.keys = {path: place for path, place in source.keys.items() if path[:1] != ("stages",)}
    merged.values = {path: place for path, place in source.values.items() if path[:1] != ("stages",)}
    for key in LAID_OVER:
        over = source.data["stages"][index].get(key)
        if over is not None:
            merged.data[key] = _merged(merged.data.get(key), over)
    prefix: KeyPath = ("stages", index)
    for old, new in ((source.keys, merged.keys), (source.values, merged.values)):
        new |= {
            path[2:]: place for path, place in old.items() if path[:2] == prefix and path[2:3] and path[2] in LAID_OVER
        }
    return merged


def _merged(under: Any, over: Any) -> Any:
    """`over` laid on `under`; neither is changed."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    if "kind" in over and over["kind"] != under.get("kind", over["kind"]):
        return over
    return {**under, **{key: _merged(under.get(key), value) for key, value in over.items()}}
