"""One way for settings: defaults, then the file, then `--set`. Nothing changes the result afterwards.

It must not know what a setting does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from cai.config.base import Config
from cai.config.beside import looked_for_beside
from cai.config.pipeline import PipelineConfig
from cai.errors import ConfigError
from cai.resources import find, resource
from cai.yaml_model import did_you_mean, nearest, read_source, validate_source
from cai.yaml_source import KeyPath, Place, YamlSource, key_path, parse_yaml, plain_scalar

FOLDER = "pipelines"

C = TypeVar("C", bound=Config)


def load_pipeline(path: Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Read a pipeline file and apply overrides to it.

    Args:
        path: A file; the name of a shipped one works from any folder. Relative paths in it are looked for beside it,
            then in the current folder.
        overrides: Each `a.b.c=value`, the value as in YAML: `rounds=2`, `stop=[x, y]`; items of lists by their index
            or, where they have one, by their name: `a.0=x`, `stages.sft.train.epochs=2`.

    Raises:
        ConfigError: With every problem of the file and the overrides, each with its place and the nearest right key.
        StorageError: The file is there but cannot be read.
    """
    return validate_source(overridden(read_pipeline(pipeline_file(path)), overrides), PipelineConfig, ConfigError)


def read_pipeline(file: Path) -> YamlSource:
    """A pipeline file as it was read, its paths leading to what lies beside it; see `cai.config.beside`.

    Raises:
        ConfigError, StorageError: It is not there, or cannot be read.
    """
    return looked_for_beside(read_source(file, ConfigError), file)


def pipeline_file(path: Path) -> Path:
    """The pipeline file at a path, or the shipped one of this name.

    Raises:
        ConfigError: There is none.
    """
    file = find(str(path), FOLDER)
    if not file.is_file():
        raise _missing(file)
    return file


def load_config(path: Path | None, model: type[C], overrides: Sequence[str] = ()) -> C:
    """The same for the settings of any command, from a file or from overrides alone.

    Args:
        path: A YAML file; None where everything is in the overrides.
        model: What the settings must be.
        overrides: As of `load_pipeline`.

    Raises:
        ConfigError, StorageError: As `load_pipeline`.
    """
    source = YamlSource("the command line", {}) if path is None else read_source(path, ConfigError)
    return validate_source(overridden(source, overrides), model, ConfigError)


def overridden(source: YamlSource, overrides: Sequence[str]) -> YamlSource:
    """The source itself, with the overrides written into its data unless the file has problems of its own.

    Raises:
        ConfigError: An override cannot be read, or leads nowhere.
    """
    if not source.problems:
        for override in overrides:
            _apply(source, override)
    return source


def shipped_pipelines() -> tuple[str, ...]:
    """Names of the shipped pipelines, as `load_pipeline` takes them."""
    return tuple(sorted(f"{FOLDER}/{file.name}" for file in resource(FOLDER).glob("*.yaml")))


def _missing(file: Path) -> ConfigError:
    what = "this is a folder, not a pipeline file" if file.is_dir() else "there is no such pipeline file"
    shipped = shipped_pipelines()
    best = nearest(f"{FOLDER}/{file.name}", shipped)
    guess = f"did you mean {best}? " if best else ""
    return ConfigError(what, where=str(file), fix=f"{guess}shipped: {', '.join(shipped) or 'none'}")


def _apply(source: YamlSource, override: str) -> None:
    """Set one value in the source's data; its place is the override, for what validation may say of it."""
    where = f"--set {override}"
    name, equals, text = override.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError("this override cannot be read", where=where, fix="write `--set generate.rounds=2`")
    value = _value(text, where)
    if source.data is None:
        source.data = {}
    here: Any = source.data
    path: KeyPath = ()
    for part in parts[:-1]:
        key = _key(here, part, path, where)
        path = (*path, key)
        if isinstance(here, dict) and here.get(part) is None:
            here[part] = {}
            source.keys[path] = source.values[path] = Place(where)
        here = here[key]
    key = _key(here, parts[-1], path, where)
    here[key] = value
    path = (*path, key)
    for old in [known for known in source.values if known[: len(path)] == path]:
        del source.values[old]
    source.keys[path] = source.values[path] = Place(where)


def _key(here: Any, part: str, path: KeyPath, where: str) -> str | int:
    if isinstance(here, list):
        if part.isdecimal() and int(part) < len(here):
            return int(part)
        names = [item.get("name") if isinstance(item, dict) else None for item in here]
        if part in names:
            return names.index(part)
        fix = f"name an item by its index, 0 to {len(here) - 1}" if here else "set the list itself"
        if any(names):
            fix = did_you_mean(part, [str(name) for name in names if name], "its items")
        raise ConfigError(f"`{key_path(path)}` is a list and has no item `{part}`", where=where, fix=fix)
    if not isinstance(here, dict):
        raise ConfigError(f"`{key_path(path)}` is a value and has no keys", where=where, fix="set the value itself")
    return part


def _value(text: str, where: str) -> Any:
    """A quoted text, `[a, b]` or `{a: b}` is read as YAML; anything else is a scalar, colons and all."""
    if text.lstrip()[:1] not in ("[", "{", '"', "'"):
        return plain_scalar(text.strip())
    source = parse_yaml(text, where)
    if source.problems:
        raise ConfigError(source.problems[0].what, where=where, fix=source.problems[0].fix)
    return source.data
