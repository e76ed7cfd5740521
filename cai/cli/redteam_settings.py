"""From the options of `cai redteam` to its settings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cai.cli.settings import Choices, resolve
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.redteam import RedteamConfig

_ANY = Path("constitution/harmlessness.yaml")


@dataclass(frozen=True)
class RedteamChoices:
    """What the user chose on the command line; None or nothing where nothing was said.

    `shared` are the options that `cai generate` has too; `shared.prompts` are the seeds, and `shared.overrides` are of
    the settings of red teaming.
    """

    shared: Choices
    config: Path | None = None
    hazards: Sequence[str] = ()
    n: int | None = None
    methods: Sequence[str] = ()
    check: bool = False


def resolve_redteam(choices: RedteamChoices) -> "RedteamConfig":
    """Everything spelled out: defaults, then the file, then the command line.

    Raises:
        UsageError: Something is missing or does not fit together.
    """
    from cai.config.redteam import RedteamConfig
    from cai.config.resolve import load_config

    shared = choices.shared
    if shared.prompts is None and choices.config is None:
        raise UsageError("no seeds are named", fix="give a file of prompts: cai redteam SEEDS ...")
    named: dict[str, Any] = {
        **_model(choices),
        # Not as a text, so that `--set seeds.hazard=ncr` finds keys.
        "seeds": {"path": str(shared.prompts)} if shared.prompts else None,
        "hazards": list(choices.hazards) or None,
        "n": choices.n,
        "methods": _methods(choices.methods) or None,
        "check": {} if choices.check else None,
        "seed": shared.seed,
    }
    overrides = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in named.items() if value is not None]
    return load_config(choices.config, RedteamConfig, [*overrides, *shared.overrides])


def _model(choices: RedteamChoices) -> dict[str, Any]:
    """The generator of the pipeline that the options choose; nothing if a file of settings names the model itself."""
    shared = choices.shared
    if choices.config is not None and not (shared.pipeline or shared.model or shared.kind):
        return {}
    # A run needs prompts and a constitution, which are not looked at here.
    run = resolve(replace(shared, prompts=_ANY, constitution=_ANY, overrides=()))
    role = run.pipeline.roles.generator
    return {
        "engine": run.pipeline.engines[role.engine].model_dump(mode="json"),
        "adapter": role.adapter,
        "sampling": role.sampling.model_dump(mode="json"),
        "form": run.pipeline.generate.form,
        "prompts_dir": run.pipeline.generate.prompts_dir,
    }


def _methods(names: Sequence[str]) -> dict[str, float]:
    from typing import get_args

    from cai.config.redteam import Method
    from cai.yaml_model import did_you_mean

    for name in names:
        if name not in get_args(Method):
            fix = did_you_mean(name, get_args(Method), "methods")
            raise UsageError(f"there is no method {name!r}", where="--method", fix=fix)
    return dict.fromkeys(names, 1.0)
