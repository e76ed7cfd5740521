"""Shipped files are found from any folder; a user's own file always comes first."""

from pathlib import Path

import pytest

from cai.resources import SHIPPED_MODELS, SHIPPED_PROMPTS, find, model_path, prompts_path, resource


def test_shipped_files_are_there() -> None:
    assert resource("constitution", "sandbox.yaml").is_file()
    assert resource("prompts").is_dir()
    assert resource("pipelines", "default.yaml").is_file()


@pytest.mark.parametrize("name", ["sandbox.yaml", "constitution/sandbox.yaml"])
def test_a_shipped_name_works_from_any_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(name, "constitution") == resource("constitution", "sandbox.yaml")
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("own")
    assert find(name, "constitution").read_text() == "own"


@pytest.mark.parametrize("name", ["none.yaml", "other/sandbox.yaml", "/constitution/sandbox.yaml", "../sandbox.yaml"])
def test_any_other_path_stays_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(name, "constitution") == Path(name)


def test_names_of_shipped_models_and_prompts() -> None:
    assert model_path("cai-sandbox") == str(SHIPPED_MODELS["cai-sandbox"])
    assert model_path("some/model") == "some/model"
    assert prompts_path("cai-sandbox") == SHIPPED_PROMPTS["cai-sandbox"]
    assert prompts_path("mine.jsonl") == Path("mine.jsonl")
