"""Roles: who drafts, criticises, revises and labels, on which engine, with which sampling."""

from typing import Annotated, Any, Literal

from pydantic import Field

from cai.config.base import Config


class SamplingConfig(Config):
    """How an answer is drawn."""

    temperature: Annotated[float, Field(ge=0, le=5)] = 1.0
    """1 draws from the model's own distribution, as the paper does; 0 always takes the likeliest token."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Keep the smallest set of tokens whose probabilities reach this sum."""
    top_k: Annotated[int, Field(ge=0)] = 0
    """Keep this many of the likeliest tokens; 0 keeps all."""
    max_new_tokens: Annotated[int, Field(ge=1)] = 512
    """Answers are cut here, and counted as truncated."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these strings."""


class RoleConfig(Config):
    """An engine plus sampling plus an optional LoRA adapter."""

    engine: str = "default"
    """Key in `engines`. Roles with the same key share one engine and its cache."""
    sampling: SamplingConfig = SamplingConfig()
    adapter: str | None = None
    """Folder of a LoRA adapter of the engine's model (vllm engine only)."""


class RolesConfig(Config):
    """The four roles of the pipeline."""

    generator: RoleConfig = RoleConfig()
    critic: RoleConfig = RoleConfig()
    reviser: RoleConfig = RoleConfig()
    labeler: RoleConfig = RoleConfig()


class VllmConfig(Config):
    """vLLM in this process."""

    kind: Literal["vllm"] = "vllm"
    model: str
    """Folder or hub name of the model."""
    revision: str | None = None
    """Commit of a hub model; pin it for a run that must be repeated."""
    dtype: str = "auto"
    """`auto` takes the model's own type on a GPU and float32 on a CPU."""
    max_model_len: Annotated[int, Field(ge=16)] | None = None
    """Longest prompt plus answer, in tokens; by default what the model was made for."""
    tensor_parallel_size: Annotated[int, Field(ge=1)] = 1
    """GPUs that share one copy of the model."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of each GPU's memory that the engine may take."""
    kv_cache_gib: Annotated[float, Field(gt=0)] | None = None
    """Size of the key-value cache in GiB; by default 1 on a CPU and what is left of the memory on a GPU."""
    enforce_eager: bool | None = None
    """Skip graph capture: a quicker start, slower on a GPU. By default on for a CPU only."""
    max_num_seqs: Annotated[int, Field(ge=1)] = 256
    """Requests that the engine runs at once."""
    trust_remote_code: bool = False
    """Let the model's folder run its own Python code. Leave it off unless you have read that code."""
    stall_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Work pending and no answer for this long means that the engine is dead."""
    engine_args: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Further arguments of vLLM's AsyncEngineArgs, passed as they are."""


class OpenAIConfig(Config):
    """Any server with the OpenAI API: vLLM, SGLang, llama.cpp, a hosted one."""

    kind: Literal["openai"] = "openai"
    model: str
    """The name under which the server offers the model."""
    base_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    """One or more addresses, each ending in /v1."""
    api: Literal["auto", "completions", "chat"] = "auto"
    """`completions` sends token ids (needs `tokenizer`), `chat` sends messages, `auto` takes the first if it can."""
    tokenizer: str | None = None
    """Folder or hub name of the model's tokenizer, to encode prompts here, where no text can become a control token."""
    api_key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; the key itself is never written anywhere."""
    timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Longest wait for one answer."""
    max_retries: Annotated[int, Field(ge=0)] = 6
    """Tries after the first one, for a busy or failing server, with growing pauses."""
    max_concurrent: Annotated[int, Field(ge=1)] = 64
    """Requests under way at once, over all addresses."""


class ScriptedConfig(Config):
    """Answers computed from the prompt alone, without a model: for tests of the pipeline itself."""

    kind: Literal["scripted"] = "scripted"
    model: str = "scripted"
    """A name for the records."""
    latency_s: Annotated[float, Field(ge=0)] = 0.0
    """Pause before each answer."""
    call_log: str | None = None
    """File to which one line is appended for each call, so that a test can count them."""


class ImportedConfig(Config):
    """No engine: what stands in the run was made elsewhere. `cai import-run` writes it; nothing can be asked of it."""

    kind: Literal["imported"] = "imported"
    model: str = "unknown"
    """The model that made it, as far as the rows say."""


EngineConfig = Annotated[VllmConfig | OpenAIConfig | ScriptedConfig | ImportedConfig, Field(discriminator="kind")]
