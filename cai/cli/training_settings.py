"""From the options of `cai train` to the settings of a training. Only names and texts are handled here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.training import TrainConfig

KINDS = ("sft", "reward", "dpo", "kto")


@dataclass(frozen=True)
class TrainingChoices:
    """What the user chose on the command line; None or empty where nothing was said."""

    kind: str
    model: str | None = None
    data: Sequence[str] = ()
    mixed: Sequence[str] = ()
    config: Path | None = None
    lora: str | None = None
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    seed: int | None = None
    overrides: Sequence[str] = ()


def resolve_training(choices: TrainingChoices) -> "TrainConfig":
    """Everything spelled out: defaults, then the file, then the options, then `--set`.

    Raises:
        UsageError: There is no such kind, or the model or the data are not named.
        ConfigError: A setting is not valid; says which, and where it was given.
    """
    from cai.config.resolve import load_config
    from cai.config.training import DpoTraining, KtoTraining, RewardTraining, SftTraining, TrainingBase

    models: dict[str, type[TrainingBase]] = {
        "sft": SftTraining,
        "reward": RewardTraining,
        "dpo": DpoTraining,
        "kto": KtoTraining,
    }
    if choices.kind not in models:
        raise UsageError(f"there is no training {choices.kind!r}", where="KIND", fix=f"use one of {', '.join(KINDS)}")
    overrides = _overrides(choices)
    if choices.config is None:
        given = {override.partition("=")[0].partition(".")[0] for override in overrides}
        for name, fix in (("model", "give --model FOLDER_OR_NAME"), ("data", "give --data PATH")):
            if name not in given:
                raise UsageError(f"no {name} is named", where=f"cai train {choices.kind}", fix=fix)
    return cast("TrainConfig", load_config(choices.config, models[choices.kind], overrides))


def _overrides(choices: TrainingChoices) -> list[str]:
    sources = [{"path": path} for path in choices.data] + [_mixed(text) for text in choices.mixed]
    named = {
        "model": choices.model,
        "data": sources or None,
        "lora": None if choices.lora is None else _lora(choices.lora),
        "epochs": choices.epochs,
        "learning_rate": choices.learning_rate,
        "batch_size": choices.batch_size,
        "seed": choices.seed,
    }
    return [*(f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None), *choices.overrides]


def _mixed(text: str) -> dict[str, object]:
    """A source with its weight; the last equals sign counts, since a path may hold one."""
    path, _, weight = text.rpartition("=")
    try:
        return {"path": path, "weight": float(weight)} if path else _not_mixed(text)
    except ValueError:
        return _not_mixed(text)


def _not_mixed(text: str) -> dict[str, object]:
    raise UsageError(f"{text!r} is not a path and a weight", where="--mix", fix="write `--mix PATH=0.5`")


def _lora(text: str) -> dict[str, object]:
    """`r=16,alpha=32`; a word alone, such as `on` or nothing, means the defaults."""
    lora: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"{part!r} is not a setting", where="--lora", fix="write `--lora r=16,alpha=32`")
        try:
            lora[name.strip()] = json.loads(value)
        except ValueError:
            lora[name.strip()] = value
    return lora
