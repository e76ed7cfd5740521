from pathlib import Path
from typing import Any

import pytest

from cai.config.beside import looked_for_beside
from cai.config.layers import load_recipe
from cai.config.resolve import load_pipeline
from cai.yaml_source import YamlSource

ENGINES = "engines: {default: {kind: scripted}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some files, seen from the folder around it."""
    folder = tmp_path / "project"
    (folder / "templates").mkdir(parents=True)
    for name in ("rules.yaml", "a.jsonl", "b.jsonl"):
        (folder / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return Path("project")


def pipeline(project: Path, text: str) -> Path:
    path = project / "pipeline.yaml"
    path.write_text("name: x\n" + ENGINES + text)
    return path


def test_what_lies_beside_the_file_is_meant(project: Path) -> None:
    loaded = load_pipeline(pipeline(project, "constitution: rules.yaml\nprompts: a.jsonl\n"))
    assert (loaded.constitution, loaded.prompts) == ("project/rules.yaml", "project/a.jsonl")


def test_what_does_not_stays_as_it_is_written(project: Path) -> None:
    text = "constitution: constitution/sandbox.yaml\nprompts: cai-sandbox\n"
    loaded = load_pipeline(pipeline(project, text))
    assert (loaded.constitution, loaded.prompts) == ("constitution/sandbox.yaml", "cai-sandbox")


def test_what_comes_from_the_command_line_is_not_touched(project: Path) -> None:
    loaded = load_pipeline(pipeline(project, "constitution: rules.yaml\n"), ["constitution=rules.yaml"])
    assert loaded.constitution == "rules.yaml"


def test_a_file_can_be_about_the_current_folder_alone(project: Path) -> None:
    loaded = load_pipeline(pipeline(project, "paths: here\nconstitution: rules.yaml\n"))
    assert loaded.constitution == "rules.yaml"


def test_a_path_stays_as_it_is_written_where_both_places_are_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline(project, "constitution: rules.yaml\n").resolve()
    assert load_pipeline(file).constitution == str(file.parent / "rules.yaml")
    monkeypatch.chdir(project)
    assert load_pipeline(file).constitution == "rules.yaml"


def test_the_stages_of_a_recipe_look_beside_the_file_too(project: Path) -> None:
    text = "constitution: rules.yaml\nstages:\n  - {name: one, kind: generate, prompts: b.jsonl}\n"
    recipe = load_recipe(pipeline(project, text), seed=3)
    assert recipe.generating["one"].constitution == "project/rules.yaml"
    assert recipe.generating["one"].prompts == "project/b.jsonl"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"prompts": ["a.jsonl", {"path": "b.jsonl"}]}, {"prompts": ["project/a.jsonl", {"path": "project/b.jsonl"}]}),
        (
            {"prompts": {"sources": ["a.jsonl"], "hazard_weights": {"ncr": 2}}},
            {"prompts": {"sources": ["project/a.jsonl"], "hazard_weights": {"ncr": 2}}},
        ),
        ({"eval": {"prompts": {"kept": "a.jsonl"}}}, {"eval": {"prompts": {"kept": "project/a.jsonl"}}}),
        ({"generate": {"prompts_dir": "templates"}}, {"generate": {"prompts_dir": "project/templates"}}),
        (
            {"prompts": {"path": "a.jsonl", "hazard": "b.jsonl"}},
            {"prompts": {"path": "project/a.jsonl", "hazard": "b.jsonl"}},
        ),
        ({"name": "a.jsonl", "prompts": "templates"}, {"name": "a.jsonl", "prompts": "templates"}),
        ({"constitution": "a\0b", "prompts": "x" * 5000}, {"constitution": "a\0b", "prompts": "x" * 5000}),
        ({"constitution": "/rules.yaml", "prompts": 3}, {"constitution": "/rules.yaml", "prompts": 3}),
        (None, None),
    ],
)
def test_paths_are_known_by_their_keys(data: Any, expected: Any, project: Path) -> None:
    assert looked_for_beside(YamlSource("x", data), project / "pipeline.yaml").data == expected
