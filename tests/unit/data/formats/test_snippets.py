"""Settings of trainers: valid YAML, what is to be filled in is said, and nothing else is."""

import shlex
from pathlib import Path

import pytest
import yaml

from cai.data.formats.base import FormatName
from cai.data.formats.build import FORMATS, build_format
from cai.data.formats.export import export_rows
from cai.data.formats.snippets import shell_text, yaml_text
from cai.data.formats.source import find_rows


def test_only_what_is_to_be_filled_in_is_named() -> None:
    text = yaml_text("trl sft", {"model": "MODEL", "reward_model": "MY_REWARD_MODEL", "again": ["a"], "more": ["a"]})
    lines = text.splitlines()
    assert lines[:2] == ["# From this folder: trl sft", "# Write in place of MODEL: the model to train."]
    assert lines[2] == "model: MODEL"
    assert yaml.safe_load(text)["more"] == ["a"]


def test_a_value_that_occurs_twice_is_written_twice() -> None:
    twice = ["a"]
    assert "&" not in yaml_text("x", {"one": twice, "two": twice})


def test_a_script_is_one_command() -> None:
    text = shell_text(["python -m train", "--model MODEL"])
    *comments, cd, first, second = text.splitlines()
    assert comments[0] == "#!/bin/sh" and cd.startswith("cd ")
    assert shlex.split(f"{first.removesuffix(chr(92))} {second}") == ["python", "-m", "train", "--model", "MODEL"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_capital_word_is_explained(name: FormatName, run: Path, tmp_path: Path) -> None:
    done = export_rows(find_rows(run), name, list(build_format(name).tables), tmp_path / "out")
    for setting in done.settings:
        text = (tmp_path / "out" / setting).read_text()
        if setting.endswith(".yaml"):
            assert isinstance(yaml.safe_load(text), dict)
            assert "&id" not in text
        said = "\n".join(line for line in text.splitlines() if line.startswith("# Write in place of"))
        for word in ("MODEL", "REWARD_MODEL", "TEMPLATE", "NEMO_RL", "REWARD_MODULE"):
            body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
            used = f" {word}" in body.replace("- ", " ").replace("/", " ")
            assert used == (f"place of {word}" in said or f"place of {word}." in said), (setting, word)
