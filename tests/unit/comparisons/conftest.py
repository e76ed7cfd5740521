"""Files of comparisons, and settings under which the scripted engine labels them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.comparisons.run import label_file
from cai.comparisons.stats import LabelingStats
from cai.config.labeling import LabelingConfig

Row = dict[str, Any]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Six comparisons: one twice, one with equal answers, one that fails, one that is none."""
    rows: list[Row] = [
        {"prompt": f"Question {n}", "response_a": f"Answer {n}.", "response_b": f"Answer {n}, longer.", "right": "a"}
        for n in range(3)
    ]
    rows += [rows[0], {"prompt": "Same", "response_a": "x", "response_b": "x"}]
    rows += [{"prompt": "[[fail]]", "response_a": "x", "response_b": "y"}, {"question": "none"}]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def config(pairs: Path, tmp_path: Path) -> Callable[..., LabelingConfig]:
    """Settings, with `labels` as the label method's."""

    def make(comparisons: Path = pairs, limit: int | None = None, **labels: Any) -> LabelingConfig:
        scripted = {"kind": "scripted", "model": "one", "call_log": str(tmp_path / "calls")}
        pipeline = {
            "name": "labels",
            "engines": {"default": scripted, "other": {**scripted, "model": "two"}},
            "generate": {"labels": labels or {"kind": "choice"}},
        }
        return LabelingConfig.model_validate_json(
            json.dumps({"comparisons": str(comparisons), "pipeline": pipeline, "question": "Which?", "limit": limit})
        )

    return make


@pytest.fixture
def labelled() -> Callable[[LabelingConfig, Path], dict[str, Any]]:
    def run(config: LabelingConfig, out: Path) -> dict[str, Any]:
        return asyncio.run(label_file(config, out, LabelingStats()))

    return run


@pytest.fixture
def lines() -> Callable[[Path], list[Row]]:
    def read(path: Path) -> list[Row]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    return read


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], int]:
    """How often the engines were asked since the last look."""
    log = tmp_path / "calls"

    def count() -> int:
        if not log.exists():
            return 0
        found = len(log.read_text().splitlines())
        log.unlink()
        return found

    return count
