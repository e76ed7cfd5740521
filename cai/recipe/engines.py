"""Engines of a stage: the model that a name stands for put in, and what of an engine can change a result."""

from typing import Any

from cai.config.evaluation import ModelConfig
from cai.config.roles import EngineConfig
from cai.recipe.names import Names
from cai.recipe.plan import Input

# `model` and `revision` are read by their content; the rest changes when, where and how fast answers come, not which.
_NOT_RULING = {
    "model",
    "revision",
    "gpu_memory_utilization",
    "kv_cache_gib",
    "enforce_eager",
    "max_num_seqs",
    "stall_timeout_s",
    "latency_s",
    "call_log",
    "api_key_env",
    "timeout_s",
    "max_retries",
    "max_concurrent",
}


def with_model(engine: EngineConfig, path: str, revision: str | None) -> EngineConfig:
    """The engine with a model put in."""
    if engine.kind == "vllm" and revision is not None:
        return engine.model_copy(update={"model": path, "revision": revision})
    return engine.model_copy(update={"model": path})


def model_input(at: str, engine: EngineConfig, stage: str | None) -> tuple[Input, ...]:
    """The model of an engine as something that is read; a server's is not: its name is a setting."""
    if engine.kind == "openai":
        return ()
    revision = engine.revision if engine.kind == "vllm" else None
    return (Input(f"{at}.model", "model", engine.model, stage, revision or ""),)


def engine_ruling(engine: EngineConfig) -> dict[str, Any]:
    """The settings of an engine that can change an answer."""
    kept = {"model"} if engine.kind == "openai" else set()
    return engine.model_dump(mode="json", exclude=_NOT_RULING - kept)


def served(at: str, config: ModelConfig, names: Names) -> tuple[ModelConfig, tuple[Input, ...]]:
    """A model of an evaluation with its name resolved, and what is read for it."""
    engine, adapter = config.engine, config.adapter
    stage = adapter_stage = None
    if engine.kind != "openai":
        model = names.served(engine.model)
        engine, stage = with_model(engine, model.path, model.revision), model.stage
        if adapter is None:
            adapter, adapter_stage = model.adapter, model.adapter_stage
    if config.adapter is not None:
        adapter, adapter_stage = names.adapter(config.adapter), names.stage(config.adapter)
    reads = model_input(f"{at}.engine", engine, stage)
    if adapter:
        reads += (Input(f"{at}.adapter", "model", adapter, adapter_stage),)
    return config.model_copy(update={"engine": engine, "adapter": adapter}), reads
