"""What a name in a stage stands for.

Where a model, data or prompts stand, a value that is exactly the name of an earlier stage means what that stage makes,
`base` in the place of a model means the model of the pipeline's engine `default`, and everything else is a path or the
name of a model, as in any other command. So `./NAME` is always a path.

- A train stage makes a model: its folder. With `lora` on a whole model that folder holds an adapter: an engine then
  runs the model under it, and whoever uses the engine gets the adapter.
- A generate stage among data means its run directory; as prompts, those of its prompts that it kept for evaluation.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cai.config.pipeline import PipelineConfig
from cai.config.prompts import PromptsConfig
from cai.config.recipe import BASE, StageConfig, TrainStage
from cai.errors import UsageError

DEFAULT_ENGINE = "default"


class Model(NamedTuple):
    """A model for an engine: folder or hub name, commit, adapter, and the stages that make model and adapter."""

    path: str
    revision: str | None = None
    adapter: str | None = None
    stage: str | None = None
    adapter_stage: str | None = None


@dataclass
class Names:
    """The names that a stage may use: those of the stages before it."""

    pipeline: PipelineConfig
    folder: Path
    earlier: dict[str, StageConfig] = field(default_factory=dict)

    def stage(self, value: str) -> str | None:
        """The value, if it names an earlier stage."""
        return value if value in self.earlier else None

    def out(self, name: str) -> Path:
        """The folder of a stage."""
        return self.folder / name

    def settings_file(self, name: str) -> Path:
        """The settings file of a stage."""
        return self.folder / "configs" / f"{name}.yaml"

    def weights(self, value: str) -> Model:
        """What a training or a reward scorer takes: a folder as a whole, adapter or not."""
        if value in self.earlier:
            return Model(str(self.out(value)), stage=value)
        return self._base() if value == BASE else Model(value)

    def served(self, value: str) -> Model:
        """What an engine takes: a model, and the adapter on it."""
        stage = self.earlier.get(value)
        if not isinstance(stage, TrainStage) or not self.is_adapter(value):
            return self.weights(value)
        return self.weights(stage.train.model)._replace(adapter=str(self.out(value)), adapter_stage=value)

    def is_adapter(self, value: str) -> bool:
        """Whether a value stands for an adapter alone: one trained on an adapter is merged into a whole model."""
        stage = self.earlier.get(value)
        if isinstance(stage, TrainStage):
            return stage.train.lora is not None and not self.is_adapter(stage.train.model)
        folder = Path(value)
        return (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file()

    def adapter(self, value: str) -> str:
        """What a role takes as its adapter.

        Raises:
            UsageError: A stage of this name makes a whole model.
        """
        if value in self.earlier and not self.is_adapter(value):
            what = f"the stage `{value}` makes a whole model, not an adapter"
            raise UsageError(what, where=self.pipeline.name, fix="name it as the model of an engine")
        return self.weights(value).path

    def data(self, value: str) -> str:
        """A run directory, or the path as it is."""
        return str(self.out(value)) if value in self.earlier else value

    def prompts(self, value: str) -> str:
        """The file of the prompts that a stage kept for evaluation, or the path as it is."""
        return str(kept_prompts(self.folder, value)) if value in self.earlier else value

    def mixture(self, prompts: str | PromptsConfig) -> str | PromptsConfig:
        """The same for each source of a mixture."""
        if isinstance(prompts, str):
            return self.prompts(prompts)
        sources = [source.model_copy(update={"path": self.prompts(source.path)}) for source in prompts.sources]
        return prompts.model_copy(update={"sources": tuple(sources)})

    def _base(self) -> Model:
        engine = self.pipeline.engines.get(DEFAULT_ENGINE)
        if engine is None:
            what = f"there is no engine `{DEFAULT_ENGINE}`, whose model `{BASE}` would mean"
            raise UsageError(what, where=self.pipeline.name, fix="name the model itself")
        if engine.kind == "openai":
            what = f"`{BASE}` means the model of the engine `{DEFAULT_ENGINE}`, but that is a server without a folder"
            raise UsageError(what, where=self.pipeline.name, fix="name the folder of the model, or its name on the hub")
        return Model(engine.model, engine.revision if engine.kind == "vllm" else None)


def kept_prompts(folder: Path, stage: str) -> Path:
    """Where the prompts that a generate stage kept for evaluation are written for other stages to read."""
    return folder / "prompts" / f"{stage}.jsonl"
