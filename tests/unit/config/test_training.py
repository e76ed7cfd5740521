"""The settings of a training: what fits together, and what does not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cai.config.training import DpoTraining, TrainConfig

ADAPTER: TypeAdapter[Any] = TypeAdapter(TrainConfig)
LEAST = {"model": "m", "data": [{"path": "d"}]}


def read(kind: str, **changes: Any) -> Any:
    return ADAPTER.validate_python({"kind": kind, **LEAST, **changes})


@pytest.mark.parametrize("kind", ["sft", "reward", "dpo", "kto"])
def test_a_model_and_data_are_enough(kind: str) -> None:
    config = read(kind)
    assert (config.kind, config.data[0].weight, config.lora) == (kind, 1.0, None)
    assert ADAPTER.validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("kind", ["sft", "reward", "dpo", "kto"])
@pytest.mark.parametrize("changes", [{"epochs": 0}, {"data": []}, {"beta2": 1}, {"lora": {"rank": 4}}, {"warmup": 1.0}])
def test_what_makes_no_sense_is_refused(kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(kind, **changes)


def test_only_the_sigmoid_loss_takes_soft_labels() -> None:
    assert read("dpo").soft_labels
    assert not read("dpo", loss="ipo").soft_labels
    with pytest.raises(ValidationError, match="knows no soft targets"):
        read("dpo", loss="hinge", soft_labels=True)
    hinge = read("dpo", loss="hinge")
    assert DpoTraining.model_validate(hinge.model_dump()) == hinge


def test_label_smoothing_is_for_the_robust_loss() -> None:
    assert read("dpo", loss="robust", label_smoothing=0.1).label_smoothing == 0.1
    with pytest.raises(ValidationError, match="label_smoothing is for the loss robust"):
        read("dpo", label_smoothing=0.1)


@pytest.mark.parametrize("kind", ["dpo", "kto"])
def test_the_base_under_an_adapter_needs_an_adapter(kind: str) -> None:
    assert read(kind, reference="adapter_base", lora={}).lora.r == 16
    with pytest.raises(ValidationError, match="no adapter is trained"):
        read(kind, reference="adapter_base")
