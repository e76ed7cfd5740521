"""What vLLM needs around it: environment, arguments, the end of its processes, the cause in its log.

Imports nothing of vllm, so that all of it can be tested without an engine.
"""

import contextlib
import multiprocessing
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cai.config.roles import VllmConfig
from cai.engines.model_folder import read_json, weight_files
from cai.errors import EngineError

ANSWERING_ARGS = ("quantization", "hf_overrides", "kv_cache_dtype", "load_format", "override_generation_config")
"""Those of vLLM's own arguments that change answers."""

_GIB = 1 << 30
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_COLOR": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
_ERROR_LINE = re.compile(r"(?:^|\s)((?:[\w.]+\.)?\w*(?:Error|Exception): \S.*)$")
_HIDING = ("Engine core initialization failed", "EngineCore encountered an issue", "WorkerProc initialization failed")
_LOG_TAIL_BYTES = 256 << 10
_KILL_WAIT_S = 5.0
_SOCKET_WAIT_S = 2.0


def prepare_environment() -> None:
    """Environment variables that vLLM reads; what the user has set stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def check_adapters(adapters: tuple[str, ...]) -> None:
    """Each adapter is a folder with a LoRA adapter in it.

    Raises:
        EngineError: One is not.
    """
    for adapter in adapters:
        folder = Path(adapter)
        if not (folder / "adapter_config.json").is_file() or not weight_files(folder):
            raise EngineError(
                "not a LoRA adapter: adapter_config.json and adapter_model.safetensors are needed",
                where=adapter,
                fix="give the folder that PEFT's `save_pretrained` wrote",
            )


def engine_arguments(config: VllmConfig, folder: Path, adapters: tuple[str, ...], *, cpu: bool) -> dict[str, Any]:
    """Arguments of vLLM's AsyncEngineArgs.

    Args:
        config: The engine's settings.
        folder: The model's files.
        adapters: Folders of LoRA adapters; LoRA costs memory and speed, so it is on only if there are some.
        cpu: vLLM runs on the CPU here.
    """
    arguments: dict[str, Any] = {
        "model": str(folder),
        "dtype": "float32" if cpu and config.dtype == "auto" else config.dtype,
        "max_model_len": config.max_model_len,
        "tensor_parallel_size": config.tensor_parallel_size,
        "gpu_memory_utilization": config.gpu_memory_utilization,
        "enforce_eager": cpu if config.enforce_eager is None else config.enforce_eager,
        "max_num_seqs": config.max_num_seqs,
        "trust_remote_code": config.trust_remote_code,
        "enable_prefix_caching": True,
        "scheduling_policy": "priority",
        "disable_log_stats": True,
        # JSON without white space between its parts: a small model may write nothing else until it is cut.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    cache_gib = config.kv_cache_gib
    if cpu:
        # A request's own seed and a prompt that is prefilled in parts end vLLM's CPU engine ("CPU Generator does not
        # use offset"). Without parts vLLM makes its batches as long as the longest prompt.
        arguments["enable_chunked_prefill"] = False
        cache_gib = cache_gib or (None if os.environ.get("VLLM_CPU_KVCACHE_SPACE") else 1.0)
    if cache_gib is not None:
        arguments["kv_cache_memory_bytes"] = int(cache_gib * _GIB)
    if adapters:
        rank = max(int(read_json(Path(adapter) / "adapter_config.json").get("r", 8)) for adapter in adapters)
        arguments["enable_lora"] = True
        arguments["max_loras"] = len(adapters)
        arguments["max_lora_rank"] = next((size for size in _RANKS if size >= rank), rank)
    return arguments | config.engine_args


def last_error(log_path: Path | None, since: int = 0) -> str | None:
    """The last line of a log, from byte `since` on, that names an error and its reason; None if there is none."""
    if log_path is None or not log_path.is_file():
        return None
    with log_path.open("rb") as file:
        file.seek(max(log_path.stat().st_size - _LOG_TAIL_BYTES, since))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        found = _ERROR_LINE.search(line)
        if found and not any(words in line for words in _HIDING):
            return found[1][:400]
    return None


def release_sockets(engine: Any) -> None:
    """End the ZeroMQ context that vLLM leaves open behind a stopped engine, and its threads with it.

    On a thread of its own: to end a context with a socket that was overlooked would wait for ever.
    """
    context = getattr(getattr(getattr(engine, "engine_core", None), "resources", None), "ctx", None)
    if context is None:
        return
    thread = threading.Thread(target=context.term, daemon=True)
    thread.start()
    thread.join(_SOCKET_WAIT_S)


class EngineProcesses:
    """The processes that vLLM starts for one engine: those that were not there when this was made."""

    def __init__(self) -> None:
        self._others = {process.pid for process in multiprocessing.active_children()}

    def kill(self) -> None:
        """End the engine's processes, and theirs, at once."""
        self.stop(lambda: None)

    def stop(self, gracefully: Callable[[], None]) -> None:
        """Let vLLM end them; then end whatever is still there, and wait until it is gone."""
        roots = [
            process
            for process in multiprocessing.active_children()
            if process.pid not in self._others and process.name.startswith("EngineCore")
        ]
        if not roots:
            gracefully()
            return
        import psutil  # type: ignore[import-untyped]

        descendants = []
        for root in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                descendants += psutil.Process(root.pid).children(recursive=True)
        gracefully()
        for root in roots:
            root.kill()
        for process in descendants:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # multiprocessing must collect its own children, or takes them for alive ever after.
        for root in roots:
            root.join(_KILL_WAIT_S)
        psutil.wait_procs(descendants, timeout=_KILL_WAIT_S)
