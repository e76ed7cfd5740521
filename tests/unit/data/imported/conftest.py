"""Trajectories in a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BREAD: dict[str, Any] = {
    "prompt": [{"role": "user", "content": "How do I bake bread?"}],
    "draft": "Ask a baker, you fool.",
    "rounds": [
        {
            "principle": "Say whether the answer is rude.",
            "critique": "The answer is rude: it calls the person a fool.",
            "revision": "A baker can show you. You need flour, water and yeast.",
        },
        {
            "principle": "be-open",
            "critique": "The response is fine, and it names what is needed.",
            "revision": "You need flour, water, salt and yeast. A baker can show you the rest.",
        },
    ],
    "hazard": "hte",
    "tags": ["kitchen"],
    "model": "big-52b",
}


@pytest.fixture
def bread() -> dict[str, Any]:
    """A row of two rounds."""
    copied: dict[str, Any] = json.loads(json.dumps(BREAD))
    return copied


@pytest.fixture
def cake() -> dict[str, Any]:
    """A row whose revision is a critique, by a model that is not named."""
    said = "The assistant's response should have named the sugar, and it fails to mention eggs."
    round_ = {"principle": "be-open", "critique": "The answer leaves out the sugar.", "revision": said}
    return {"prompt": "And a sweet cake for ten guests?", "draft": "Mix flour and butter.", "rounds": [round_]}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows, or lines as they are, into a file."""

    def into(*rows: dict[str, Any] | str, name: str = "others.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    return into
