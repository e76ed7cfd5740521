"""From the options of `cai eval` to its settings."""

from pathlib import Path

import pytest

from cai.cli.evaluation_settings import EvaluationChoices, resolve_evaluation
from cai.config.evaluation import EvaluationConfig
from cai.config.roles import OpenAIConfig, VllmConfig
from cai.errors import ConfigError, UsageError

URL = "http://127.0.0.1:8000/v1"


def resolve(*models: str, prompts: tuple[str, ...] = ("p.jsonl",), **chosen: object) -> EvaluationConfig:
    return resolve_evaluation(EvaluationChoices(models=models, prompts=prompts, **chosen))  # type: ignore[arg-type]


def test_nothing_said_means_the_sandbox() -> None:
    config = resolve_evaluation(EvaluationChoices())
    assert config.models["base"].engine == VllmConfig(model="cai-sandbox")
    assert config.prompts["sandbox"].path == "cai-sandbox"
    named = resolve_evaluation(EvaluationChoices(models=["mine=cai-sandbox"]))
    assert (list(named.models), named.prompts) == (["mine"], config.prompts)
    tuned = resolve_evaluation(EvaluationChoices(models=["base=cai-sandbox", "runs/sft"]))
    assert (list(tuned.models), tuned.prompts) == (["base", "sft"], config.prompts)


def test_names_are_given_or_taken_from_the_path() -> None:
    config = resolve("base=ORG/NAME", "runs/x/sft", "ORG/Llama-3.1-8B", "/some/v2=final/dpo")
    assert {name: model.engine.model for name, model in config.models.items()} == {
        "base": "ORG/NAME",
        "sft": "runs/x/sft",
        "Llama-3": "ORG/Llama-3.1-8B",
        "dpo": "/some/v2=final/dpo",
    }
    sets = resolve("a", prompts=("data/red team.jsonl.gz", "easy=b.csv")).prompts
    assert {name: found.path for name, found in sets.items()} == {
        "red-team": "data/red team.jsonl.gz",
        "easy": "b.csv",
    }


def test_adapters_and_servers_belong_to_a_model() -> None:
    config = resolve("base=x", "sft=x", "api=served", adapters=["sft=runs/lora"], base_urls=[f"api={URL}"])
    assert [model.adapter for model in config.models.values()] == [None, "runs/lora", None]
    assert config.models["api"].engine == OpenAIConfig(model="served", base_urls=(URL,))


def test_the_judge_and_what_it_is_asked() -> None:
    config = resolve("a", "b", judge="J", constitution=Path("c.yaml"), baseline="b", seed=3, limit=5)
    assert config.judge is not None
    assert config.judge.engine == VllmConfig(model="J")
    assert config.preferences.constitution == "c.yaml"
    assert (config.base, config.seed, config.limit) == ("b", 3, 5)
    served = resolve("a", judge="J", judge_url=URL, question="Which: is it?")
    assert served.judge is not None
    assert served.judge.engine == OpenAIConfig(model="J", base_urls=(URL,))
    assert served.preferences.question == "Which: is it?"


def test_options_go_before_the_file_and_set_before_all(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("models: {base: {engine: {kind: vllm, model: x}}}\nprompts: {s: p}\nseed: 1\nlimit: 9\n")
    config = resolve_evaluation(EvaluationChoices(path, seed=2, overrides=["limit=4"], models=["new=y"]))
    assert list(config.models) == ["base", "new"]
    assert (config.seed, config.limit) == (2, 4)
    adapted = resolve_evaluation(EvaluationChoices(path, adapters=["base=lora"]))
    assert adapted.models["base"].adapter == "lora"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (EvaluationChoices(models=["x=ORG/NAME"]), "no prompts are named"),
        (EvaluationChoices(models=["a=x"], adapters=["b=y"]), "--adapter: there is no model 'b'"),
        (EvaluationChoices(models=["a=x"], adapters=["folder/y"]), "does not say of which model"),
        (EvaluationChoices(models=["a=x"], base_urls=[URL]), "does not say of which model"),
        (EvaluationChoices(models=["a=x"], base_urls=[f"b={URL}"]), "--base-url: there is no model 'b'"),
        (EvaluationChoices(models=["x/a", "y/a"]), "the name 'a' is given twice"),
        (EvaluationChoices(models=["a.b=x"]), "'a.b' is not a name for 'a.b=x'"),
        (EvaluationChoices(models=["..."]), "is not a name for '...'"),
        (EvaluationChoices(judge_url=URL), "--judge-url"),
        (EvaluationChoices(question="Which?"), "--question: there is nobody to ask"),
        (EvaluationChoices(constitution=Path("c")), "--constitution: there is nobody to ask"),
    ],
)
def test_what_does_not_fit_together_is_said(choices: EvaluationChoices, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_evaluation(choices)
    assert said in str(caught.value)


def test_a_comparison_in_a_file_without_a_judge_is_said(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("models: {a: x}\nprompts: {s: p}\n")
    with pytest.raises(ConfigError, match="no `judge` is named"):
        resolve_evaluation(EvaluationChoices(path, question="Which?"))
