"""The identity of a model: the same for a copy, another for whatever changes its answers; nothing is started."""

import json
import shutil
from pathlib import Path

import pytest

from cai.config.roles import OpenAIConfig, ScriptedConfig, VllmConfig
from cai.engines.identity import model_identity
from cai.errors import EngineError

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_model, folder)
    return folder


@pytest.fixture
def adapter(tmp_path: Path, tiny_model: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tiny_model), "r": 4}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def of(model: Path, adapter: Path | None = None, **settings: object) -> str:
    config = VllmConfig.model_validate({"model": str(model), **settings})
    return model_identity(config, str(adapter) if adapter else None)


def test_a_copy_is_the_same_model(tiny_model: Path, copy: Path) -> None:
    assert of(tiny_model) == of(copy)
    assert of(tiny_model) == of(copy, max_num_seqs=3, kv_cache_gib=0.5)


def test_whatever_changes_answers_changes_it(tiny_model: Path, copy: Path, adapter: Path) -> None:
    weights = copy / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    found = {
        of(tiny_model),
        of(copy),
        of(tiny_model, adapter),
        of(tiny_model, dtype="bfloat16"),
        of(tiny_model, engine_args={"quantization": "fp8"}),
    }
    assert len(found) == 5


def test_a_folder_with_an_adapter_alone_is_its_base_with_it(tiny_model: Path, adapter: Path) -> None:
    assert of(adapter) == of(tiny_model, adapter)
    (adapter / "adapter_model.safetensors").write_bytes(b"others")
    assert of(adapter) == of(tiny_model, adapter) != of(tiny_model)


def test_a_server_is_known_by_its_address_and_name(tiny_model: Path) -> None:
    config = OpenAIConfig(model="m", base_urls=(URL,))
    others = [{"model": "n"}, {"base_urls": ("http://h/v1",)}, {"tokenizer": str(tiny_model)}]
    assert len({model_identity(config.model_copy(update=update)) for update in ({}, *others)}) == 4
    two = OpenAIConfig(model="m", base_urls=(URL, "http://h/v1"))
    assert model_identity(two) == model_identity(two.model_copy(update={"base_urls": ("http://h/v1", URL)}))


def test_the_scripted_engine_is_known_by_its_name() -> None:
    one, other = ScriptedConfig(model="a", latency_s=1), ScriptedConfig(model="b")
    assert model_identity(one) == model_identity(ScriptedConfig(model="a")) != model_identity(other)


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such model folder"):
        of(tmp_path / "gone" / "far")


def test_an_adapter_that_is_not_there_is_an_error(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not a LoRA adapter"):
        of(tiny_model, tmp_path / "gone")
