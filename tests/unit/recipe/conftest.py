"""A small recipe of the scripted engine in a folder of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.config.layers import load_recipe
from cai.recipe.plan import Recipe
from cai.recipe.stages import plan_recipe

Plan = Callable[..., Recipe]

CONSTITUTION = """\
name: test
version: 1.0.0
principles:
  - id: kind
    statement: Be kind.
    critique_request: Say how the assistant's answer is unkind.
    revision_request: Rewrite the assistant's answer to be kind.
    comparison_question: Which answer is kinder?
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: `c.yaml` is a constitution, `p.jsonl` has twelve prompts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONSTITUTION)
    rows = [json.dumps({"prompt": f"Question {number}", "hazard": "vcr"}) for number in range(12)]
    (tmp_path / "p.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def plan(folder: Path) -> Plan:
    """Plans a recipe of these stages; `out` is its folder, further words go into the pipeline."""

    def planned(*stages: dict[str, Any], out: Path | None = None, **pipeline: Any) -> Recipe:
        config = {
            "name": "demo",
            "constitution": "c.yaml",
            "prompts": "p.jsonl",
            "engines": {"default": {"kind": "scripted"}},
            "generate": {"rounds": 1, "split": {"eval": 0.4}},
            **pipeline,
            "stages": list(stages),
        }
        file = folder / "demo.yaml"
        file.write_text(json.dumps(config))
        return plan_recipe(load_recipe(file), out or folder / "out")

    return planned
