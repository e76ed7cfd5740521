"""The settings of a generate stage laid over those of the pipeline."""

from pathlib import Path

import pytest

from cai.config.layers import RecipeConfig, load_recipe
from cai.config.recipe import EvalStage, TrainStage
from cai.errors import ConfigError

TEXT = """\
name: demo
constitution: a.yaml
prompts: a.jsonl
engines:
  default: {kind: vllm, model: org/base, dtype: float32}
roles:
  generator: {sampling: {temperature: 1.0, max_new_tokens: 96}}
generate: {rounds: 3, seed: 5}
stages:
  - name: made
    kind: generate
  - name: compare
    kind: generate
    constitution: b.yaml
    engines:
      policy: {kind: vllm, model: org/other}
      default: {max_model_len: 128}
    roles:
      generator: {engine: policy, sampling: {temperature: 0.5}}
    generate: {rounds: 0, comparison: {source: sampled}}
  - name: sft
    kind: train
    train: {kind: sft, model: base, data: [{path: made}]}
  - name: measured
    kind: eval
    eval: {models: {base: base}, prompts: {x: p.jsonl}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(TEXT)
    return path


def test_a_stage_without_changes_has_the_settings_of_the_pipeline(file: Path) -> None:
    recipe = load_recipe(file)
    made = recipe.generating["made"]
    assert made == recipe.pipeline.model_copy(update={"stages": ()})


def test_what_a_stage_says_is_laid_over_setting_by_setting(file: Path) -> None:
    config = load_recipe(file).generating["compare"]
    generator = config.roles.generator
    assert (generator.engine, generator.sampling.temperature, generator.sampling.max_new_tokens) == ("policy", 0.5, 96)
    default = config.engines["default"]
    assert default.kind == "vllm" and (default.model, default.dtype, default.max_model_len) == (
        "org/base",
        "float32",
        128,
    )
    assert (config.constitution, config.prompts, config.generate.seed, config.stages) == ("b.yaml", "a.jsonl", 5, ())


def test_a_group_of_another_kind_takes_the_place_of_the_whole(file: Path) -> None:
    config = load_recipe(file, ["stages.compare.engines.default={kind: scripted}"]).generating["compare"]
    assert config.engines["default"].model_dump() == {
        "kind": "scripted",
        "model": "scripted",
        "latency_s": 0.0,
        "call_log": None,
    }


def test_what_does_not_fit_is_said_where_it_stands(file: Path) -> None:
    file.write_text(TEXT.replace("{rounds: 0, comp", "{rounds: 0, rounsd: 1, comp"))
    with pytest.raises(ConfigError) as caught:
        load_recipe(file)
    assert str(caught.value) == f"{file}:20:27: `generate.rounsd` is not a known key (did you mean `rounds`?)"


def test_an_override_of_a_stage_is_named_when_it_is_wrong(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(file, ["stages.compare.roles.generator.engine=polciy"])
    assert caught.value.where == "--set stages.compare.roles.generator.engine=polciy"
    with pytest.raises(ConfigError) as caught:
        load_recipe(file, ["stages.copmare.limit=3"])
    assert caught.value.fix == "did you mean `compare`?"


def seeds(recipe: RecipeConfig) -> list[int]:
    stages = recipe.pipeline.stages
    trained = [stage.train.seed for stage in stages if isinstance(stage, TrainStage)]
    measured = [stage.eval.seed for stage in stages if isinstance(stage, EvalStage)]
    return [*(config.generate.seed for config in recipe.generating.values()), *trained, *measured]


def test_one_seed_is_that_of_every_stage_unless_one_is_set_by_name(file: Path) -> None:
    assert seeds(load_recipe(file)) == [5, 5, 0, 0]
    assert seeds(load_recipe(file, seed=7)) == [7, 7, 7, 7]
    assert seeds(load_recipe(file, ["stages.sft.train.seed=1"], seed=7)) == [7, 7, 1, 7]
