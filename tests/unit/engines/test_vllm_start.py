"""Arguments of vLLM, the cause in its log, and the end of its processes."""

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from cai.config.roles import VllmConfig
from cai.engines.vllm_start import EngineProcesses, check_adapters, engine_arguments, last_error
from cai.errors import EngineError


def test_on_a_cpu_prompts_are_not_cut_into_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    arguments = engine_arguments(VllmConfig(model="x"), tmp_path, (), cpu=True)
    assert arguments["dtype"] == "float32"
    assert arguments["enforce_eager"] is True
    assert arguments["enable_chunked_prefill"] is False
    assert arguments["kv_cache_memory_bytes"] == 1 << 30
    assert arguments["enable_prefix_caching"] is True
    assert arguments["scheduling_policy"] == "priority"
    assert "enable_lora" not in arguments


def test_on_a_gpu_vllm_decides() -> None:
    arguments = engine_arguments(VllmConfig(model="x"), Path("x"), (), cpu=False)
    assert arguments["dtype"] == "auto"
    assert arguments["enforce_eager"] is False
    assert "enable_chunked_prefill" not in arguments
    assert "kv_cache_memory_bytes" not in arguments


def test_what_the_user_says_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    config = VllmConfig(model="x", kv_cache_gib=0.5, dtype="bfloat16", engine_args={"max_num_seqs": 3, "seed": 1})
    arguments = engine_arguments(config, Path("x"), (), cpu=True)
    assert arguments["kv_cache_memory_bytes"] == 1 << 29
    assert arguments["dtype"] == "bfloat16"
    assert (arguments["max_num_seqs"], arguments["seed"]) == (3, 1)
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "4")
    assert "kv_cache_memory_bytes" not in engine_arguments(VllmConfig(model="x"), Path("x"), (), cpu=True)


def test_adapters_turn_lora_on_with_room_for_the_largest(tmp_path: Path) -> None:
    adapters = []
    for rank in (4, 24):
        folder = tmp_path / f"r{rank}"
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
        (folder / "adapter_model.safetensors").write_bytes(b"x")
        adapters.append(str(folder))
    check_adapters(tuple(adapters))
    arguments = engine_arguments(VllmConfig(model="x"), Path("x"), tuple(adapters), cpu=False)
    assert (arguments["enable_lora"], arguments["max_loras"], arguments["max_lora_rank"]) == (True, 2, 32)
    with pytest.raises(EngineError, match="not a LoRA adapter"):
        check_adapters((str(tmp_path),))


def test_the_log_names_the_cause(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("(EngineCore pid=1) ERROR [core.py:1] ValueError: an old one\n")
    start = log.stat().st_size
    assert last_error(log, start) is None
    with log.open("a") as file:
        file.write("(Core) ERROR 11-22 [core.py:9] torch.OutOfMemoryError: no memory left\nTraceback\n")
        file.write("RuntimeError: Engine core initialization failed. See root cause above.\n")
    assert last_error(log, start) == "torch.OutOfMemoryError: no memory left"
    assert last_error(tmp_path / "none") is None
    assert last_error(None) is None


def test_only_the_engines_own_processes_are_ended() -> None:
    pytest.importorskip("psutil")
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=time.sleep, args=(60,), name="EngineCore")
    other.start()
    try:
        processes = EngineProcesses()
        mine = context.Process(target=time.sleep, args=(60,), name="EngineCore")
        mine.start()
        processes.kill()
        assert not mine.is_alive()
        assert other.is_alive()
        processes.kill()
    finally:
        other.kill()
        other.join()
