"""Settings of an evaluation: short forms, and what does not fit together is said at its place."""

from pathlib import Path

import pytest

from cai.config.evaluation import EvaluationConfig
from cai.config.resolve import load_config
from cai.config.roles import VllmConfig
from cai.errors import ConfigError


def load(tmp_path: Path, text: str) -> EvaluationConfig:
    path = tmp_path / "eval.yaml"
    path.write_text(text)
    return load_config(path, EvaluationConfig)


def test_a_path_alone_is_a_model_or_a_set(tmp_path: Path) -> None:
    config = load(tmp_path, "models: {a: some/folder, b: {engine: {kind: scripted}}}\nprompts: {s: p.jsonl}\n")
    assert config.models["a"].engine == VllmConfig(model="some/folder")
    assert config.prompts["s"].path == "p.jsonl"
    assert config.prompts["s"].expects == "by_hazard"
    assert config.base == "a"


def test_the_baseline_may_be_any_model(tmp_path: Path) -> None:
    assert load(tmp_path, "models: {a: x, b: y}\nprompts: {s: p}\nbaseline: b\n").base == "b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {a.b: x}\nprompts: {s: p}\n", r":1:15: `models\.a\.b`: a name has letters"),
        ("models: {a: x}\nprompts: {s: p}\nbaseline: c\n", r":3:11: `baseline`: there is no model `c`; models has a"),
        ("models: {a: x}\nprompts: {s: p}\nharm: {method: judge}\n", r":3:7: `harm`: .* no `judge` is named"),
        ("models: {a: x}\nprompts: {s: p}\npreferences: {question: q}\n", r":3:14: `preferences`: .* no `judge`"),
        ("models: {a: x}\nprompts: {s: p}\npreferences: {question: q, constitution: c}\n", "leave one out"),
        ("models: {}\nprompts: {s: p}\n", "`models` needs at least 1"),
        ("models: {a: {engine: {kind: vllm, modl: x}}}\nprompts: {s: p}\n", "did you mean `model`"),
    ],
)
def test_what_does_not_fit_is_said_at_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, text)


def test_pairs_none_needs_no_judge(tmp_path: Path) -> None:
    config = load(tmp_path, "models: {a: x}\nprompts: {s: p}\npreferences: {question: q, pairs: none}\n")
    assert not config.preferences.asked


def test_the_settings_that_the_documentation_shows_are_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    config = load(tmp_path, page.split("```yaml\n")[1].split("```")[0])
    assert list(config.models) == ["base", "sft", "lora", "api"]
    assert config.preferences.asked
