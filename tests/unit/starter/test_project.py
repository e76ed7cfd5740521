import json
from pathlib import Path

import pytest

from cai.config.resolve import load_pipeline
from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution, applies
from cai.constitution.taxonomy import taxonomy
from cai.data.sources import read
from cai.errors import UsageError
from cai.starter.project import write_starter


@pytest.fixture(params=[None, "ORG/NAME"], ids=["sandbox", "general"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_starter(tmp_path / "project", request.param)
    return tmp_path / "project"


def constitution_of(project: Path) -> Constitution:
    return load_constitution(project / "constitution.yaml")


def test_every_file_of_the_project_is_valid_and_commented(project: Path) -> None:
    pipeline = load_pipeline(project / "pipeline.yaml")
    assert len(constitution_of(project).principles) == 8
    assert pipeline.constitution == str(project / "constitution.yaml")
    assert pipeline.prompts == str(project / "prompts.jsonl")
    for name in ("constitution.yaml", "pipeline.yaml"):
        text = (project / name).read_text()
        assert sum("#" in line for line in text.splitlines()) >= 10
        schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        assert json.loads((project / schema).read_text())["title"]
    assert "/runs/" in (project / ".gitignore").read_text().splitlines()


def test_the_prompts_name_known_hazards_and_some_name_none(project: Path) -> None:
    prompts = list(read(project / "prompts.jsonl"))
    hazards = [prompt.hazard for prompt in prompts]
    assert len(prompts) >= 20 and len({prompt.id for prompt in prompts}) == len(prompts)
    assert {hazard for hazard in hazards if hazard} <= set(taxonomy().ids)
    assert len(prompts) / 4 <= hazards.count(None) <= len(prompts) / 2
    assert all(prompt.tags for prompt in prompts)


def test_a_principle_applies_to_every_prompt_in_both_stages(project: Path) -> None:
    principles = constitution_of(project).principles
    for prompt in read(project / "prompts.jsonl"):
        for stage in ("critique", "comparison"):
            assert any(applies(principle, prompt.hazard, prompt.tags, stage) for principle in principles)


def test_the_sandbox_s_principles_and_prompts_use_the_words_of_its_world(tmp_path: Path) -> None:
    write_starter(tmp_path)
    shipped = {principle.id: principle for principle in load_constitution("constitution/sandbox.yaml").principles}
    assert all(shipped[principle.id] == principle for principle in constitution_of(tmp_path).principles)
    known = {prompt.id for prompt in read(Path("cai/sandbox/prompts.jsonl"))}
    assert {prompt.id for prompt in read(tmp_path / "prompts.jsonl")} <= known


@pytest.mark.parametrize("model", ["ORG/NAME", 'a "quoted": name # x', "1e5", "yes", "\u6a21\u578b"])
def test_the_model_is_written_as_it_was_given(model: str, tmp_path: Path) -> None:
    write_starter(tmp_path, model)
    assert load_pipeline(tmp_path / "pipeline.yaml").engines["default"].model == model


def test_the_folder_of_a_model_is_written_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    write_starter(Path("project"), "mine")
    assert load_pipeline(Path("project/pipeline.yaml")).engines["default"].model == str(tmp_path / "mine")


def test_the_sandbox_s_own_name_is_the_sandbox(tmp_path: Path) -> None:
    write_starter(tmp_path / "a", "cai-sandbox")
    write_starter(tmp_path / "b")
    assert (tmp_path / "a" / "pipeline.yaml").read_text() == (tmp_path / "b" / "pipeline.yaml").read_text()


@pytest.mark.parametrize("model", ["", "  ", "a\nb", "\x1b[31m"])
def test_a_name_that_no_model_has_is_refused_before_anything_is_written(model: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name"):
        write_starter(tmp_path / "project", model)
    assert not (tmp_path / "project").exists()


def test_nothing_is_written_if_one_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    with pytest.raises(UsageError, match=r"has prompts\.jsonl already"):
        write_starter(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "prompts.jsonl"]
    write_starter(tmp_path, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine too"
    assert (tmp_path / "prompts.jsonl").read_text() != "mine"


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="a file, not a folder"):
        write_starter(tmp_path / "file")
