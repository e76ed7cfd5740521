"""Stages of a pipeline file: what is wrong with them is said where it stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai.config.pipeline import PipelineConfig
from cai.config.recipe import GenerateStage, references
from cai.config.resolve import load_pipeline
from cai.errors import ConfigError

SFT = {"kind": "sft", "model": "base", "data": [{"path": "made"}]}
MADE = {"name": "made", "kind": "generate"}
TUNED = {"name": "tuned", "kind": "train", "train": SFT}


def load(folder: Path, *stages: dict[str, Any]) -> PipelineConfig:
    path = folder / "p.yaml"
    path.write_text(json.dumps({"name": "p", "engines": {"default": {"kind": "scripted"}}, "stages": list(stages)}))
    return load_pipeline(path)


def refusal(folder: Path, *stages: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, *stages)
    return str(caught.value)


def test_a_pipeline_without_stages_is_as_before(tmp_path: Path) -> None:
    assert load(tmp_path).stages == ()


def test_the_kinds_are_told_apart(tmp_path: Path) -> None:
    evaluation = {"name": "measured", "kind": "eval", "eval": {"models": {"a": "tuned"}, "prompts": {"x": "made"}}}
    stages = load(tmp_path, MADE, TUNED, evaluation, {"name": "report", "kind": "report"}).stages
    assert [stage.kind for stage in stages] == ["generate", "train", "eval", "report"]
    assert "`stages[0].kind` is `trian`" in refusal(tmp_path, {"name": "x", "kind": "trian"})


def test_a_name_is_used_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, MADE, {"name": "made", "kind": "report"})
    assert said.startswith(f"{tmp_path / 'p.yaml'}:")
    assert "`stages[1].name`: `made` is already the name of stage 1" in said


@pytest.mark.parametrize("name", ["base", "configs", "replaced", "Big", "a/b", "", "../x"])
def test_a_name_that_is_no_folder_or_has_a_meaning_is_refused(name: str, tmp_path: Path) -> None:
    assert "`stages[0].name`" in refusal(tmp_path, {"name": name, "kind": "report"})


def test_only_earlier_stages_can_be_named(tmp_path: Path) -> None:
    assert "`made` is a later stage" in refusal(tmp_path, TUNED, MADE)
    itself = {"name": "tuned", "kind": "train", "train": {**SFT, "model": "tuned"}}
    said = refusal(tmp_path, MADE, itself)
    assert "`stages[1].train.model`: `tuned` is this stage itself" in said
    assert "write `./tuned`" in said


@pytest.mark.parametrize(
    ("train", "wanted"),
    [
        ({**SFT, "model": "made"}, "`made` is a stage of kind generate, but this must be a train stage"),
        ({**SFT, "data": [{"path": "tuned"}]}, "`tuned` is a stage of kind sft, but this must be a generate stage"),
    ],
)
def test_what_is_named_must_make_what_is_wanted(train: dict[str, Any], wanted: str, tmp_path: Path) -> None:
    assert wanted in refusal(tmp_path, MADE, TUNED, {"name": "next", "kind": "train", "train": train})


def test_a_reward_model_writes_no_answers_and_a_language_model_gives_no_rewards(tmp_path: Path) -> None:
    judge = {"name": "judge", "kind": "train", "train": {**SFT, "kind": "reward"}}
    for settings in ({"models": {"a": "judge"}}, {"models": {"a": "tuned"}, "reward_model": "tuned"}):
        evaluation = {"name": "e", "kind": "eval", "eval": {"prompts": {"x": "made"}, **settings}}
        assert "but this must be a train stage" in refusal(tmp_path, MADE, TUNED, judge, evaluation)


def test_an_adapter_needs_a_stage_that_trains_one(tmp_path: Path) -> None:
    using = {"name": "next", "kind": "generate", "roles": {"generator": {"adapter": "tuned"}}}
    assert "must be a train stage with `lora`" in refusal(tmp_path, MADE, TUNED, using)
    load(tmp_path, MADE, {**TUNED, "train": {**SFT, "lora": {}}}, using)


def test_paths_and_names_of_models_are_no_references(tmp_path: Path) -> None:
    train = {**SFT, "model": "org/made", "data": [{"path": "./made"}]}
    load(tmp_path, MADE, {"name": "tuned", "kind": "train", "train": train})


def test_every_place_where_a_stage_may_be_named_is_known() -> None:
    stage = GenerateStage(
        name="x",
        prompts="p",
        engines={"a": {"model": "m"}, "b": {"dtype": "auto"}},
        roles={"critic": {"adapter": "c"}, "labeler": {}},
    )
    assert list(references(stage)) == [
        (("engines", "a", "model"), "m", "model"),
        (("roles", "critic", "adapter"), "c", "adapter"),
        (("prompts",), "p", "prompts"),
    ]
