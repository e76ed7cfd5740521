"""Rows in our columns, single-turn and multi-turn, with whatever a foreign file could stumble over."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cai.data.shards import ShardWriter
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA

Row = dict[str, Any]

AWKWARD = 'Say "so"\n\nHuman: <|im_start|>\u2028 \\n {{ x }} \N{PARTY POPPER} a\r\nb \t'


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


PROMPTS = {
    "single-turn": [turn("user", AWKWARD)],
    "multi-turn": [turn("user", "Hi"), turn("assistant", "Hello \N{WAVING HAND SIGN}"), turn("user", AWKWARD)],
    "system": [turn("system", "Be kind.\n"), turn("user", "Hi"), turn("assistant", "Hello"), turn("user", "And now?")],
}


def sft_row(prompt: list[dict[str, str]], number: int = 0, **changes: Any) -> Row:
    row = {
        "prompt": prompt,
        "completion": [turn("assistant", f"{AWKWARD} {number}")],
        "prompt_id": f"{number:016x}",
        "principle_ids": ["harm", "tact"][: number % 3],
        "constitution": "kind",
        "constitution_version": "1.2",
        "round": number,
        "method": "single_turn",
        "source": "ai",
        # The reader of JSON guesses types from the first rows: these would make it guess wrong.
        "hazard": None if number == 0 else "vcr",
        "tags": [] if number == 0 else ["a", "b"],
    }
    return in_schema(row | changes, SFT_SCHEMA)


def preference_row(prompt: list[dict[str, str]], number: int = 0, **changes: Any) -> Row:
    row = {
        "prompt": prompt,
        "chosen": [turn("assistant", f"good {AWKWARD} {number}")],
        "rejected": [turn("assistant", f"bad {number}")],
        "p_chosen": 1.0 if number == 0 else 0.5 + 0.1 / number,
        "comparison_id": f"c{number}",
        "prompt_id": f"{number:016x}",
        "principle_ids": ["harm"],
        "constitution": "kind",
        "constitution_version": "1.2",
        "comparison_source": "sampled",
        "method": "choice",
        "flipped": number % 2 == 1,
        "label_mass": 0.1 + 0.2,
        "source": "ai",
        "hazard": None if number == 0 else "vcr",
        "tags": [] if number == 0 else ["a"],
    }
    return in_schema(row | changes, PREFERENCE_SCHEMA)


def in_schema(row: Row, schema: Any) -> Row:
    """A row with every column that the schema has; one that this file does not know yet is null."""
    return {name: row.get(name) for name in schema.names}


def write_datasets(
    folder: Path, sft: Sequence[Row] = (), preferences: Sequence[Row] = (), split: str = "train"
) -> Path:
    """A folder as `cai generate` leaves it."""
    tables = {"sft": (sft, SFT_SCHEMA), "preferences": (preferences, PREFERENCE_SCHEMA)}
    for name, (rows, schema) in tables.items():
        if rows:
            place = folder / "datasets" / name
            place.mkdir(parents=True, exist_ok=True)
            with ShardWriter(place, split, schema) as writer:
                for row in rows:
                    writer.add(row)
                writer.finish()
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with single-turn and multi-turn rows in both datasets and both splits."""
    folder = tmp_path / "run"
    for split, first in (("train", 0), ("eval", 10)):
        prompts = list(PROMPTS.values())
        write_datasets(
            folder,
            [sft_row(prompt, first + number) for number, prompt in enumerate(prompts)],
            [preference_row(prompt, first + number) for number, prompt in enumerate(prompts)],
            split,
        )
    return folder


@pytest.fixture
def a_run(tmp_path: Path) -> Callable[..., Path]:
    """Make a run of given rows."""

    def make(sft: Sequence[Row] = (), preferences: Sequence[Row] = (), name: str = "run") -> Path:
        return write_datasets(tmp_path / name, sft, preferences)

    return make


@pytest.fixture
def rows() -> type:
    """The makers of rows above."""

    class Rows:
        prompts = PROMPTS
        sft = staticmethod(sft_row)
        preference = staticmethod(preference_row)
        turn = staticmethod(turn)

    return Rows


@pytest.fixture(scope="session")
def validators() -> ModuleType:
    """The trainers' rules; see `validators.py` beside this file."""
    spec = importlib.util.spec_from_file_location("validators", Path(__file__).with_name("validators.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
