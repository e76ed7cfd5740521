"""What the vLLM engine does before and around vLLM; vLLM itself is in the integration tests."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from cai.config.roles import SamplingConfig, VllmConfig
from cai.engines.base import GenerationRequest, TextPrompt
from cai.engines.vllm import VllmEngine
from cai.errors import EngineError


def model_folder(families: dict[str, Any], folder: Path) -> Path:
    folder.mkdir()
    for path in families["chatml"].folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"12345678")
    return folder


def started(config: VllmConfig, **settings: Any) -> None:
    asyncio.run(VllmEngine(config, **{"log_path": None, **settings}).start())


def test_a_missing_model_is_said_before_vllm_is_imported(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such model folder"):
        started(VllmConfig(model=str(tmp_path / "none")))


def test_a_folder_without_weights_is_said(families: dict[str, Any], tmp_path: Path) -> None:
    folder = model_folder(families, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(EngineError, match="no weights"):
        started(VllmConfig(model=str(folder)))


def test_a_missing_vllm_is_said_with_what_to_install(
    families: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    folder = model_folder(families, tmp_path / "model")
    with pytest.raises(EngineError, match="not installed") as caught:
        started(VllmConfig(model=str(folder)), log_path=tmp_path / "logs" / "engine.log")
    assert "constitutional-ai[cpu]" in str(caught.value.fix)
    print("still here")
    assert capfd.readouterr().out == "still here\n"


def test_an_adapter_must_be_one(families: dict[str, Any], tmp_path: Path) -> None:
    folder = model_folder(families, tmp_path / "model")
    with pytest.raises(EngineError, match="not a LoRA adapter"):
        started(VllmConfig(model=str(folder)), adapters=(str(tmp_path),))


def test_an_engine_that_is_not_started_says_so() -> None:
    engine = VllmEngine(VllmConfig(model="x/y"), log_path=None)
    request = GenerationRequest("r", TextPrompt("x"), SamplingConfig(), seed=0)
    with pytest.raises(EngineError, match="not running"):
        asyncio.run(engine.generate(request))
    with pytest.raises(EngineError, match="not been started"):
        _ = engine.fingerprint
    asyncio.run(engine.close())
