"""The identity of a model before anything is started: a hash of what its answers depend on, from files and settings.

An engine's own fingerprint also knows what only the running engine can say, such as the data type that `auto` became.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cai.config.roles import EngineConfig, ImportedConfig, OpenAIConfig, ScriptedConfig, VllmConfig
from cai.engines.model_folder import find_adapted, find_model, model_fingerprint, tokenizer_fingerprint
from cai.engines.vllm_start import ANSWERING_ARGS, check_adapters
from cai.records import content_hash


def _vllm(config: VllmConfig, adapters: tuple[Path, ...]) -> str:
    folder, own = find_adapted(config.model, config.revision, code=config.trust_remote_code)
    adapters = adapters or ((own,) if own else ())
    check_adapters(tuple(map(str, adapters)))
    settings = [f"dtype={config.dtype}", *(f"{name}={config.engine_args.get(name)!r}" for name in ANSWERING_ARGS)]
    return model_fingerprint(folder, settings, adapters)


def _openai(config: OpenAIConfig, adapters: tuple[Path, ...]) -> str:
    # Two servers may offer different weights under one name, so where they are counts too.
    tokenizer = tokenizer_fingerprint(find_model(config.tokenizer, weights=False)) if config.tokenizer else None
    return content_hash("openai", config.model, sorted(config.base_urls), config.api, tokenizer)


def _scripted(config: ScriptedConfig, adapters: tuple[Path, ...]) -> str:
    return content_hash("scripted", config.model)


def _imported(config: ImportedConfig, adapters: tuple[Path, ...]) -> str:
    return content_hash("imported", config.model)


IDENTITIES: dict[str, Callable[[Any, tuple[Path, ...]], str]] = {
    "vllm": _vllm,
    "openai": _openai,
    "scripted": _scripted,
    "imported": _imported,
}


def model_identity(config: EngineConfig, adapter: str | None = None) -> str:
    """Hash of all that is known to determine the answers of a model with its adapter.

    Raises:
        EngineError: Files of the model or of the adapter are missing.
    """
    return IDENTITIES[config.kind](config, (Path(adapter),) if adapter else ())
