"""How a step is divided, and in which types models are held."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from cai.config.training import SftTraining
from cai.errors import EngineError, TrainingError, UsageError
from cai.training.setup import (
    ModelFiles,
    check_names,
    explained,
    half_precision,
    longest_row,
    micro_batch,
    named_dtype,
    weights_dtype,
)


def settings(**changes: Any) -> SftTraining:
    return SftTraining.model_validate({"model": "m", "data": [{"path": "d"}], **changes})


@pytest.mark.parametrize(
    ("batch", "most", "processes", "divided"),
    [
        (32, 8, 1, (8, 4)),
        (32, 8, 2, (8, 2)),
        (30, 8, 1, (6, 5)),
        (7, 4, 1, (1, 7)),
        (4, 8, 1, (4, 1)),
        (6, 8, 3, (2, 1)),
    ],
)
def test_a_step_is_divided_evenly(
    batch: int, most: int, processes: int, divided: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    assert micro_batch(settings(batch_size=batch, micro_batch_size=most)) == divided


def test_a_batch_that_cannot_be_divided_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match=r"batch_size 8 cannot be divided among 3 processes .*multiple of 3"):
        micro_batch(settings(batch_size=8))


def test_a_cpu_computes_in_float32_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    lora = {"r": 4}
    assert not half_precision(settings())
    assert half_precision(settings(dtype="bfloat16"))
    assert weights_dtype(settings(dtype="bfloat16")) == torch.float32
    assert weights_dtype(settings(lora=lora)) == torch.float32
    assert weights_dtype(settings(lora=lora, dtype="bfloat16")) == torch.bfloat16


def test_a_row_is_no_longer_than_the_model_can_read(tiny_model: Path, tmp_path: Path) -> None:
    assert longest_row(settings(max_length=5000), tiny_model) == 1024
    assert longest_row(settings(max_length=100), tiny_model) == 100
    assert longest_row(settings(max_length=5000), tmp_path) == 5000


def test_auto_is_the_type_in_which_a_model_was_saved(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"dtype": "bfloat16"}))
    assert named_dtype("auto", tmp_path) == torch.bfloat16
    assert named_dtype("float32", tmp_path) == torch.float32
    (tmp_path / "config.json").write_text("{}")
    assert named_dtype("auto", tmp_path) == torch.float32


def test_a_tokenizer_without_padding_gets_one(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((tiny_model / "tokenizer.json").read_bytes())
    settings = json.loads((tiny_model / "tokenizer_config.json").read_text())
    for gone, padding in (({"pad_token"}, "<|im_end|>"), ({"pad_token", "eos_token"}, "!")):
        kept = {name: value for name, value in settings.items() if name not in gone}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(kept))
        assert ModelFiles("m", tmp_path, None).tokenizer().pad_token == padding


def test_an_adapter_finds_its_model_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert ModelFiles("model", Path("model"), None).base_name() == str(tmp_path / "model")
    assert ModelFiles("org/name", Path("cache/abc"), None).base_name() == "org/name"
    shipped = ModelFiles.find("cai-sandbox")
    assert shipped.base_name() == str(shipped.folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adamw_troch"}, r"no optimizer 'adamw_troch' .*adamw_torch"),
        ({"report_to": ["wanbd"]}, r"sent to 'wanbd' .*wandb"),
        ({"report_to": ["neptune"]}, r"neptune is not installed"),
    ],
)
def test_names_are_looked_up_before_anything_is_loaded(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_names(settings(**changes))
    check_names(settings(optimizer="rmsprop"))


def test_modules_that_are_not_there_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"lora\.targets: the model has no modules"), explained():
        raise ValueError("Target modules {'x'} not found in the base model")
    with pytest.raises(ValueError, match="other"), explained():
        raise ValueError("other")


def test_memory_that_ran_out_says_what_to_do() -> None:
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ):
        with pytest.raises(TrainingError, match=r"memory ran out \(lower micro_batch_size"), explained():
            raise error
    with pytest.raises(RuntimeError, match="other"), explained():
        raise RuntimeError("other")


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such model folder"):
        ModelFiles.find(str(tmp_path / "nowhere"))
