"""Small datasets for training tests: words that the tiny model's tokenizer knows."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are quicker on one thread, above all where other processes want the second core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pair(number: int) -> dict[str, Any]:
    """The better answer says A, the worse one B; lengths differ."""
    tail = " please" * (number % 4)
    return {
        "prompt": [{"role": "user", "content": f"Tell me {number}?"}],
        "chosen": [{"role": "assistant", "content": f"The answer is A.{tail}"}],
        "rejected": [{"role": "assistant", "content": f"The answer is B, no.{tail}"}],
        "p_chosen": 0.6 + 0.1 * (number % 4),
        "hazard": "vcr" if number % 2 else None,
    }


def answer(number: int) -> dict[str, Any]:
    row = pair(number)
    return {"prompt": row["prompt"], "completion": row["chosen"], "principle_ids": ["p"]}


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 12 SFT rows."""
    return write_jsonl(tmp_path_factory.mktemp("data") / "sft.jsonl", [answer(n) for n in range(12)])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 12 pairs."""
    return write_jsonl(tmp_path_factory.mktemp("data") / "pairs.jsonl", [pair(n) for n in range(12)])


@pytest.fixture
def write() -> Write:
    """Writes rows as JSON lines."""
    return write_jsonl


@pytest.fixture
def make_pair() -> Callable[[int], dict[str, Any]]:
    return pair


@pytest.fixture
def make_answer() -> Callable[[int], dict[str, Any]]:
    return answer
