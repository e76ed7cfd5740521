"""Each family's dict of builders has exactly the kinds that its configuration allows."""

from typing import Any

import pytest
from pydantic import TypeAdapter

import cai.engines.build as engines
from cai.config.critique import CritiqueConfig
from cai.config.labels import LabelConfig
from cai.config.roles import EngineConfig
from cai.config.training import TrainConfig
from cai.critique.build import CRITIQUE_MODES
from cai.engines.identity import IDENTITIES
from cai.labeling.build import LABEL_METHODS
from cai.training.build import TRAINERS


def kinds(config: Any) -> set[str]:
    """Every value that `kind` may have anywhere in a configuration class or union."""
    schema = TypeAdapter(config).json_schema()
    models = [*schema.get("$defs", {}).values(), schema]
    found = [model["properties"]["kind"] for model in models if "kind" in model.get("properties", {})]
    return {value for kind in found for value in kind.get("enum", [kind.get("const")])}


@pytest.mark.parametrize(
    ("built", "config"),
    [
        (CRITIQUE_MODES, CritiqueConfig),
        (LABEL_METHODS, LabelConfig),
        (engines.ENGINES, EngineConfig),
        (IDENTITIES, EngineConfig),
        (TRAINERS, TrainConfig),
    ],
    ids=["critique", "labels", "engines", "identities", "training"],
)
def test_the_builders_are_those_of_the_configuration(built: dict[str, Any], config: Any) -> None:
    assert set(built) == kinds(config)
