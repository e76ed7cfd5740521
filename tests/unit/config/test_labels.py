"""Label settings: what stands without a kind, and what cannot be."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cai.config.labels import (
    ChoiceLabelConfig,
    ComparisonConfig,
    CotLabelConfig,
    EnsembleLabelConfig,
    LabelConfig,
    RatingLabelConfig,
)

LABELS: TypeAdapter[Any] = TypeAdapter(LabelConfig)


def read(settings: dict[str, Any]) -> Any:
    """As a file is read: strictly, from JSON."""
    return LABELS.validate_json(json.dumps(settings), strict=True)


def test_without_a_kind_it_is_choice() -> None:
    assert read({}) == ChoiceLabelConfig()
    assert read({"principles": 3, "negated": 0.5}) == ChoiceLabelConfig(principles=3, negated=0.5)
    assert LABELS.validate_python(RatingLabelConfig()) == RatingLabelConfig()


def test_lists_are_lists_whatever_the_kind() -> None:
    assert read({"kind": "cot", "clamp": [0.2, 0.8]}) == CotLabelConfig(clamp=(0.2, 0.8))
    ensemble = read({"kind": "ensemble", "labelers": [{}, {"engine": "other"}]})
    assert isinstance(ensemble, EnsembleLabelConfig)
    assert [labeler.engine for labeler in ensemble.labelers] == ["default", "other"]
    assert ensemble.method == ChoiceLabelConfig()


def test_it_is_written_as_it_is_read() -> None:
    for settings in ({"kind": "cot"}, {"kind": "ensemble", "labelers": [{}, {}], "method": {"kind": "rating"}}):
        config = read(settings)
        assert LABELS.validate_json(config.model_dump_json(), strict=True) == config


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "guess"}, "'choice', 'cot', 'rating', 'ensemble'"),
        ({"kind": "cot", "clamp": [0.4, 0.7]}, "equally far"),
        ({"kind": "cot", "clamp": [0.5, 0.5]}, "equally far"),
        ({"kind": "cot", "clamp": [0.6, 0.4]}, "less than or equal"),
        ({"kind": "ensemble"}, "Field required"),
        ({"kind": "ensemble", "labelers": [{}]}, "at least 2"),
        ({"kind": "ensemble", "labelers": [{}, {}], "method": {"kind": "ensemble"}}, "'choice', 'cot', 'rating'"),
        ({"kind": "rating", "clamp": [0.4, 0.6]}, "Extra inputs"),
        ({"principles": 0}, "greater than or equal to 1"),
        ({"negated": 1.5}, "less than or equal to 1"),
    ],
)
def test_what_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"source": "revision_vs_revision"},
        {"rounds": [0, 1]},
        {"source": "revision_vs_revision", "rounds": [1, 1]},
        {"source": "two_models"},
        {"source": "sampled", "second": {}},
        {"source": "draft_vs_revision", "samples": 3},
        {"min_margin": 1.0},
    ],
)
def test_a_comparison_has_what_its_source_needs_and_nothing_else(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ComparisonConfig.model_validate_json(json.dumps(settings), strict=True)
