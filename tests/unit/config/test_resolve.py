from pathlib import Path

import pytest

from cai.config.pipeline import PipelineConfig
from cai.config.resolve import load_config, load_pipeline, shipped_pipelines
from cai.config.roles import OpenAIConfig, ScriptedConfig
from cai.errors import ConfigError

MINIMAL = "name: demo\nengines:\n  default:\n    kind: vllm\n    model: some/model\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(MINIMAL + "generate:\n  rounds: 2\n", encoding="utf-8")
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_pipeline(path, overrides)
    return str(caught.value)


def test_defaults_then_file_then_override(file: Path) -> None:
    assert PipelineConfig.model_fields["generate"].default.rounds == 4
    assert load_pipeline(file).generate.rounds == 2
    assert load_pipeline(file, ["generate.rounds=3"]).generate.rounds == 3


def test_values_are_read_as_yaml(file: Path) -> None:
    config = load_pipeline(
        file,
        [
            "roles.critic.sampling.temperature=0.7",
            "roles.critic.sampling.stop=[END, 'A: ']",
            "description=two words: and a colon",
            "constitution='123'",
            "engines.second={kind: scripted}",
            "roles.labeler.engine=second",
            "engines.default.kv_cache_gib=",
        ],
    )
    assert config.roles.critic.sampling.temperature == 0.7
    assert config.roles.critic.sampling.stop == ("END", "A: ")
    assert config.description == "two words: and a colon"
    assert config.constitution == "123"
    assert config.engines["second"].kind == "scripted"
    assert config.engines["default"].kv_cache_gib is None  # type: ignore[union-attr]


def test_the_last_override_wins_and_list_items_have_indexes(file: Path) -> None:
    config = load_pipeline(
        file,
        ["roles.critic.sampling.stop=[a, b]", "roles.critic.sampling.stop.1=c", "generate.seed=1", "generate.seed=2"],
    )
    assert config.roles.critic.sampling.stop == ("a", "c")
    assert config.generate.seed == 2


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "roles.critic.smapling.temperature=0.7",
            "--set roles.critic.smapling.temperature=0.7: "
            "`roles.critic.smapling` is not a known key (did you mean `sampling`?)",
        ),
        (
            "generate.round=3",
            "--set generate.round=3: `generate.round` is not a known key (did you mean `rounds`?)",
        ),
        (
            "generate.rounds=lots",
            "--set generate.rounds=lots: `generate.rounds` should be a whole number, not `lots`",
        ),
        ("generate.rounds", "--set generate.rounds: this override cannot be read (write `--set generate.rounds=2`)"),
        ("a..b=1", "--set a..b=1: this override cannot be read (write `--set generate.rounds=2`)"),
        ("name.x=1", "--set name.x=1: `name` is a value and has no keys (set the value itself)"),
        (
            "roles.critic.engine=defualt",
            "--set roles.critic.engine=defualt: "
            "`roles.critic.engine`: there is no engine `defualt`; engines has default",
        ),
    ],
)
def test_a_wrong_override_is_named_with_the_right_key(file: Path, override: str, expected: str) -> None:
    assert refusal(file, override) == expected


def test_an_unclosed_value_is_said_where_it_is(file: Path) -> None:
    assert refusal(file, "generate=[1").startswith("--set generate=[1: this is not YAML")
    assert "has no item `7`" in refusal(file, "roles.critic.sampling.stop=[a]", "roles.critic.sampling.stop.7=b")


def test_an_engine_that_is_not_there_is_named_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(MINIMAL + "roles:\n  critic:\n    engine: judge\n")
    assert refusal(path) == f"{path}:8:13: `roles.critic.engine`: there is no engine `judge`; engines has default"


def test_a_broken_file_is_reported_before_overrides(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a: b: c\n")
    assert refusal(path, "generate.rounds=2").startswith(f"{path}:1:5: ")


def test_a_missing_pipeline_names_the_shipped_ones(tmp_path: Path) -> None:
    said = refusal(tmp_path / "gone.yaml")
    assert "there is no such pipeline file" in said
    assert "folder" in refusal(tmp_path)
    assert all(name in said for name in shipped_pipelines())


def test_every_shipped_pipeline_is_valid() -> None:
    for name in shipped_pipelines():
        # Some take their models from the command line.
        models = ["engines.default.model=x", *(["engines.helpful.model=y"] if "paper" in name else [])]
        assert load_pipeline(Path(name), models).name


def test_settings_may_come_from_overrides_alone() -> None:
    config = load_config(None, ScriptedConfig, ["model=mine", "latency_s=0.5"])
    assert (config.model, config.latency_s) == ("mine", 0.5)
    with pytest.raises(ConfigError) as caught:
        load_config(None, OpenAIConfig, ["model=mine"])
    assert str(caught.value) == "the command line: `base_urls` is missing (add it)"


def test_a_file_of_other_settings_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file"):
        load_config(tmp_path / "gone.yaml", ScriptedConfig)
