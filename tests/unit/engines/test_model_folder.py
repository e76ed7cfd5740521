"""A folder that cannot be used is one clear error; the fingerprint follows contents."""

import json
from pathlib import Path

import pytest

from cai.engines.model_folder import find_adapted, find_model, model_fingerprint, read_json
from cai.errors import EngineError


def complete(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"12345678")
    return folder


def test_a_complete_folder_is_found(tmp_path: Path) -> None:
    assert find_model(str(complete(tmp_path))) == tmp_path


@pytest.mark.parametrize(
    ("missing", "said"),
    [("tokenizer.json", "no tokenizer.json"), ("config.json", "no config.json"), ("model.safetensors", "no weights")],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, said: str) -> None:
    (complete(tmp_path) / missing).unlink()
    with pytest.raises(EngineError, match=said) as caught:
        find_model(str(tmp_path))
    assert caught.value.where == str(tmp_path)
    assert caught.value.fix


def test_a_tokenizer_needs_no_weights(tmp_path: Path) -> None:
    (complete(tmp_path) / "model.safetensors").unlink()
    assert find_model(str(tmp_path), weights=False) == tmp_path


def test_a_folder_with_just_an_adapter_leads_to_its_base(tmp_path: Path) -> None:
    base, adapter = complete(tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    settings = adapter / "adapter_config.json"
    settings.write_text(json.dumps({"base_model_name_or_path": str(base)}))
    (adapter / "adapter_model.safetensors").write_bytes(b"1")
    assert find_adapted(str(adapter)) == (base, adapter)
    assert find_adapted(str(base)) == (base, None)
    # A whole model with the settings of an adapter beside it is a whole model.
    (base / "adapter_config.json").write_text(settings.read_text())
    assert find_adapted(str(base)) == (base, None)
    settings.write_text('{"r": 8}')
    with pytest.raises(EngineError, match="does not say to which model"):
        find_adapted(str(adapter))


@pytest.mark.parametrize("name", ["./missing", "/missing/model", "a/b/c", "models/missing/"])
def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(EngineError, match="no such model folder"):
        find_model(name)


def test_a_hub_name_without_a_hub_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EngineError, match="could not be fetched") as caught:
        find_model("nobody/no-such-model")
    assert caught.value.where == "nobody/no-such-model"


def test_the_fingerprint_follows_contents_and_settings(tmp_path: Path) -> None:
    here, there = complete(tmp_path / "a"), complete(tmp_path / "b")
    first = model_fingerprint(here, ["float32"])
    assert model_fingerprint(there, ["float32"]) == first
    assert model_fingerprint(here, ["bfloat16"]) != first
    (there / "model.safetensors").write_bytes(b"12345679")
    assert model_fingerprint(there, ["float32"]) != first
    assert model_fingerprint(here, ["float32"], [there]) != first


def test_two_trainings_of_one_large_model_differ(tmp_path: Path) -> None:
    folder = complete(tmp_path)
    size = 200 << 20
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(size)
    first = model_fingerprint(folder, [])
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(size - 9)
        file.write(b"x")
    assert model_fingerprint(folder, []) != first


def test_json_must_be_an_object(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}
    for text in ("[1]", "{"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(EngineError, match="JSON"):
            read_json(tmp_path / "x.json")
