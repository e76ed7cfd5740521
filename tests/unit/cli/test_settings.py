"""From what the user typed to a resolved run."""

from pathlib import Path

import pytest

from cai.cli import served
from cai.cli.settings import Choices, resolve
from cai.config.roles import OpenAIConfig, ScriptedConfig, VllmConfig
from cai.errors import ConfigError, EngineError, UsageError

PROMPTS = Path("p.jsonl")
URL = "http://127.0.0.1:8000/v1"

PIPELINE = """\
name: mine
constitution: constitution/sandbox.yaml
engines:
  default: {kind: %s}
"""


def engine(choices: Choices) -> object:
    return resolve(choices).pipeline.engines["default"]


def pipeline(tmp_path: Path, settings: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(PIPELINE % settings)
    return path


def test_nothing_said_means_the_sandbox() -> None:
    config = resolve(Choices())
    assert config.pipeline.name == "sandbox" and config.prompts == "cai-sandbox"
    assert resolve(Choices(engine="vllm")) == config


def test_a_model_means_the_default_recipe() -> None:
    config = resolve(Choices(PROMPTS, model="ORG/NAME", rounds=2, seed=7, limit=3))
    assert config.pipeline.name == "default" and config.limit == 3
    assert config.pipeline.engines["default"] == VllmConfig(model="ORG/NAME")
    assert (config.pipeline.generate.rounds, config.pipeline.generate.seed) == (2, 7)


def test_set_has_the_last_word() -> None:
    assert resolve(Choices(rounds=2, overrides=["generate.rounds=1"])).pipeline.generate.rounds == 1


def test_a_model_of_the_same_kind_keeps_the_other_settings_of_the_pipeline(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "vllm, model: a, max_model_len: 512")
    expected = VllmConfig(model="b", max_model_len=512)
    assert engine(Choices(PROMPTS, pipeline=path, model="b")) == expected
    assert engine(Choices(PROMPTS, pipeline=path, model="b", engine="vllm")) == expected


def test_another_kind_starts_afresh(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "vllm, model: a, max_model_len: 512")
    assert engine(Choices(PROMPTS, pipeline=path, engine="scripted")) == ScriptedConfig()
    chosen = Choices(PROMPTS, pipeline=path, model="b", base_urls=(URL,))
    assert engine(chosen) == OpenAIConfig(model="b", base_urls=(URL,))


def test_an_address_replaces_that_of_the_pipeline(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "openai, model: a, max_retries: 1, base_urls: [http://h/v1]")
    assert engine(Choices(PROMPTS, pipeline=path, base_urls=(URL,))) == OpenAIConfig(
        model="a", max_retries=1, base_urls=(URL,)
    )


def test_a_server_without_a_model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "served_model", lambda urls: f"only of {urls[0]}")
    chosen = engine(Choices(PROMPTS, base_urls=(URL,)))
    assert chosen == OpenAIConfig(model=f"only of {URL}", base_urls=(URL,))


@pytest.mark.parametrize(
    ("choices", "where", "fix"),
    [
        (Choices(PROMPTS, engine="gpt"), "--engine", "use one of vllm, openai, scripted"),
        (Choices(PROMPTS, engine="openai", model="m"), "--engine", "give --base-url http://HOST:PORT/v1"),
        (Choices(PROMPTS, engine="vllm", model="m", base_urls=(URL,)), "--base-url", "leave it out, or use openai"),
        (Choices(engine="scripted"), None, "give a file of prompts: cai generate PROMPTS ..."),
    ],
)
def test_what_does_not_fit_together_is_said(choices: Choices, where: str | None, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(choices)
    assert (caught.value.where, caught.value.fix) == (where, fix)


def test_a_broken_pipeline_file_is_reported_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("a: b: c\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml:1:5"):
        resolve(Choices(PROMPTS, pipeline=path, engine="scripted"))


def test_a_server_that_is_not_there_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="nothing answers at"):
        served.served_model(["http://127.0.0.1:9/v1"])
