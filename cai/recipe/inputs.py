"""What a stage reads, as hashes of content: paths and times do not go in, so that a moved folder is still the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cai
from cai.config.recipe import BASE
from cai.config.training import DataSource
from cai.constitution.load import load_constitution
from cai.data.hub import hub_name, is_hub_name
from cai.engines.model_folder import model_fingerprint
from cai.errors import CaiError, PromptSourceError, UsageError
from cai.recipe.kept import kept_text
from cai.recipe.plan import Input, PlannedStage, Recipe
from cai.records import content_hash
from cai.resources import find, model_path, prompts_path
from cai.store.fingerprint import file_sha256
from cai.training.sources import find_source
from cai.yaml_model import nearest

_ADAPTER = "adapter_config.json"
_SCALE = "reward.json"


@dataclass(frozen=True)
class Fingerprint:
    """Hash of all that determines a stage's result; `parts` has a hash for its settings and for each input."""

    value: str
    parts: Mapping[str, str]

    def changed(self, before: Mapping[str, str]) -> list[str]:
        """Names of the parts that are not as they were, for people."""
        names = [*self.parts, *(name for name in before if name not in self.parts)]
        return [name for name in names if self.parts.get(name) != before.get(name)]


def stage_fingerprint(stage: PlannedStage) -> Fingerprint:
    """The fingerprint of a stage whose inputs are all there.

    Raises:
        CaiError: An input is missing or cannot be read.
    """
    parts = {"settings": content_hash(stage.kind, dict(stage.ruling)), "version": cai.__version__}
    parts |= {found.at: CONTENT[found.kind](found) for found in stage.reads}
    return Fingerprint(content_hash(parts), parts)


def check_inputs(recipe: Recipe) -> None:
    """Look before the first stage runs at whatever no stage makes, so that a mistyped path is not found hours later.

    Raises:
        CaiError: Something is not there, or not valid.
    """
    earlier: list[str] = []
    for stage in recipe.stages:
        for found in (found for found in stage.reads if found.stage is None):
            try:
                _check(found, (BASE, *earlier))
            except CaiError as error:
                best = nearest(found.path, (BASE, *earlier) if found.kind == "model" else earlier)
                fix = f"did you mean `{best}`?" if best else error.fix
                raise type(error)(error.what, where=_place(stage, found, error), fix=fix) from error
        earlier.append(stage.name)


def _place(stage: PlannedStage, found: Input, error: CaiError) -> str:
    return f"stages.{stage.name}: {error.where or found.path}"


def _check(found: Input, names: Sequence[str]) -> None:
    if found.kind != "model":
        CONTENT[found.kind](found)
        return
    if Path(model_path(found.path)).is_dir():
        return
    # Any other name is looked for on the hub when the stage runs; a path cannot be, nor a stage with a slip in it.
    is_path = found.path.startswith((".", "/", "~")) or found.path.count("/") > 1
    if is_path or ("/" not in found.path and nearest(found.path, names)):
        what = (
            "there is no such model folder" if is_path else "there is no such model, and no earlier stage of this name"
        )
        raise UsageError(what, where=found.path, fix="check the path")


def _model(found: Input) -> str:
    """A folder by its weights, tokenizer and settings; a model of the hub by its name and commit."""
    folder = Path(model_path(found.path))
    if not folder.is_dir():
        return content_hash("hub", found.path, found.detail)
    adapters = (folder,) if (folder / _ADAPTER).is_file() else ()
    scale = folder / _SCALE
    settings = (file_sha256(scale),) if scale.is_file() else ()
    return model_fingerprint(folder, settings, adapters)


def _sft(found: Input) -> str:
    return find_source(DataSource(path=found.path), "sft").fingerprint()


def _preferences(found: Input) -> str:
    return find_source(DataSource(path=found.path), "dpo").fingerprint()


def _prompts(found: Input) -> str:
    if found.stage is not None:
        # Whatever the file holds: it is written from the run just before it is read.
        return content_hash(kept_text(Path(found.path).parents[1] / found.stage))
    if is_hub_name(found.path):
        hub_name(found.path)
        return content_hash("hub", found.path)
    path = prompts_path(found.path)
    if not path.is_file():
        raise PromptSourceError("there is no such file of prompts", where=str(path), fix="check the path")
    return file_sha256(path)


def _constitution(found: Input) -> str:
    return load_constitution(find(found.path, "constitution")).fingerprint


def _templates(found: Input) -> str:
    root = Path(found.path)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    if not files:
        raise UsageError("there is no folder of templates", where=found.path, fix="check prompts_dir")
    return content_hash([[path.relative_to(root).as_posix(), file_sha256(path)] for path in files])


def _code(found: Input) -> str:
    path = Path(found.path)
    if not path.is_file():
        raise UsageError("there is no such file of code", where=found.path, fix="check generate.critique.mode")
    return file_sha256(path)


def _result(found: Input) -> str:
    path = Path(found.path)
    return file_sha256(path) if path.is_file() else "absent"


CONTENT: dict[str, Callable[[Input], str]] = {
    "model": _model,
    "sft": _sft,
    "preferences": _preferences,
    "prompts": _prompts,
    "constitution": _constitution,
    "templates": _templates,
    "code": _code,
    "result": _result,
}
