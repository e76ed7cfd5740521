import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from cai.config.pipeline import PipelineConfig
from cai.config.prompts import Prompts, PromptsConfig, PromptSourceConfig, as_mixture
from cai.config.resolve import load_pipeline
from cai.errors import ConfigError

ENGINES = "engines: {default: {kind: scripted}}\n"
READ: TypeAdapter[str | PromptsConfig] = TypeAdapter(Prompts)


def read(value: Any) -> str | PromptsConfig:
    return READ.validate_json(json.dumps(value), strict=True)


def failure(tmp_path: Path, prompts: str, *overrides: str) -> ConfigError:
    file = tmp_path / "p.yaml"
    file.write_text(f"name: x\n{ENGINES}prompts: {prompts}\n")
    with pytest.raises(ConfigError) as caught:
        load_pipeline(file, overrides)
    return caught.value


def test_a_path_stays_a_text() -> None:
    assert read("a.jsonl") == "a.jsonl"
    assert as_mixture("a.jsonl") == PromptsConfig(sources=(PromptSourceConfig(path="a.jsonl"),))


@pytest.mark.parametrize(
    "value",
    [
        {"path": "a", "weight": 2},
        [{"path": "a", "weight": 2}],
        {"sources": [{"path": "a", "weight": 2}]},
    ],
)
def test_one_source_a_list_and_a_mixture_mean_the_same(value: Any) -> None:
    assert read(value) == PromptsConfig(sources=(PromptSourceConfig(path="a", weight=2),))


def test_what_was_read_is_written_and_read_again() -> None:
    mixture = read({"sources": ["a", {"path": "b", "hazards": {"x": None}}], "hazard_weights": {"ncr": 2}})
    assert isinstance(mixture, PromptsConfig)
    assert read(mixture.model_dump(mode="json")) == mixture
    pipeline = PipelineConfig(name="x", engines={"default": {"kind": "scripted"}}, prompts=mixture)  # type: ignore[dict-item]
    assert pipeline.prompts == mixture
    assert str(mixture) == "a (1) + b (1)"


@pytest.mark.parametrize(
    ("prompts", "what", "fix"),
    [
        ("[{path: a, weigt: 3}]", "`prompts[0].weigt` is not a known key", "did you mean `weight`?"),
        ("{path: a, colums: {}}", "`prompts.colums` is not a known key", "did you mean `columns`?"),
        ("{sources: [a], hazard_weight: {}}", "`prompts.hazard_weight` is not", "did you mean `hazard_weights`?"),
        ("{path: a, columns: {promt: x}}", "`prompts.columns.promt` is not", "did you mean `prompt`?"),
        ("{path: a, columns: {prompt: x, chosen: y}}", "prompt and chosen are both named", None),
        ("{path: a, weight: 0}", "`prompts.weight` should be above 0", None),
        ("{sources: [a], hazard_weights: {ncr: -1}}", "should be at least 0", None),
        ("[]", "needs at least 1", None),
        ("3", "`prompts`", None),
    ],
)
def test_mistakes_are_named(tmp_path: Path, prompts: str, what: str, fix: str | None) -> None:
    error = failure(tmp_path, prompts)
    assert what in error.what
    assert error.where is not None
    assert error.where.startswith(str(tmp_path / "p.yaml:3"))
    assert fix is None or error.fix == fix


def test_the_command_line_can_map_columns(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"name: x\n{ENGINES}prompts: {{path: a}}\n")
    prompts = load_pipeline(file, ["prompts.columns.prompt=question", "prompts.tags=[benign]"]).prompts
    assert isinstance(prompts, PromptsConfig)
    (source,) = prompts.sources
    assert (source.path, source.columns.prompt, source.tags) == ("a", "question", ("benign",))
