"""What we write passes what its trainer asks of it; the rules take the trainers' own examples, and can fail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from cai.data.formats.base import FormatName
from cai.data.formats.build import FORMATS, build_format
from cai.data.formats.export import export_rows
from cai.data.formats.source import find_rows

EXAMPLES = Path(__file__).parents[5] / "shared" / "data" / "trainer_formats"
needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="trainer_formats is not in ../shared/data")

OTHERS = [name for name in FORMATS if name != "trl"]


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix == ".parquet":
        yield from pq.read_table(file).to_pylist()
    elif file.suffix == ".jsonl":
        yield from (json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line)
    else:
        yield from json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", OTHERS)
def test_what_we_write_is_what_the_trainer_asks_for(
    name: FormatName, run: Path, tmp_path: Path, validators: ModuleType
) -> None:
    out = tmp_path / "out"
    done = export_rows(find_rows(run), name, list(build_format(name).tables), out)
    info = json.loads((out / "dataset_info.json").read_text()) if name == "llamafactory" else {}
    for what, counts in done.tables.items():
        for split, files in counts.files.items():
            check = validators.llamafactory(info[f"cai_{what}_{split}"]) if info else validators.CHECKS[name, what]
            found = [row for file in files for row in rows_of(out / file)]
            assert len(found) == counts.rows[split] > 0
            assert [check(row) for row in found] == [None] * len(found)


@pytest.mark.parametrize("name", OTHERS)
def test_the_loader_that_trainers_use_keeps_every_value(name: FormatName, run: Path, tmp_path: Path) -> None:
    """All of them read files through `datasets`, which guesses the types in JSON lines."""
    done = export_rows(find_rows(run), name, list(build_format(name).tables), tmp_path / "out")
    for counts in done.tables.values():
        for files in counts.files.values():
            paths = [tmp_path / "out" / file for file in files]
            kind = "json" if paths[0].suffix == ".jsonl" else "parquet"
            loaded = load_dataset(kind, data_files=[str(path) for path in paths], cache_dir=str(tmp_path / "cache"))
            assert list(loaded["train"]) == [row for path in paths for row in rows_of(path)]


@needs_examples
@pytest.mark.parametrize("example", ["alpaca_en_demo", "dpo_en_demo", "kto_en_demo"])
def test_the_rules_take_the_examples_of_llamafactory(example: str, validators: ModuleType) -> None:
    info = json.loads((EXAMPLES / "dataset_info.json").read_text())[example]
    found = list(rows_of(EXAMPLES / info["file_name"]))
    assert len(found) == 40
    assert [validators.llamafactory(info)(row) for row in found] == [None] * 40


@needs_examples
def test_the_rules_take_the_example_of_its_coming_version(validators: ModuleType) -> None:
    found = list(rows_of(EXAMPLES / "v1_dpo_demo.jsonl"))
    assert found and [validators.llamafactory_v1_pair(row) for row in found] == [None] * len(found)


USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
BROKEN: dict[tuple[str, str], dict[str, Any]] = {
    ("axolotl", "sft"): {"messages": [USER, ASSISTANT]},
    ("axolotl", "preferences"): {"messages": [USER], "chosen": "a", "rejected": ASSISTANT},
    ("axolotl", "reward"): {"input": "q", "chosen": "a", "rejected": "b"},
    ("axolotl", "kto"): {"completion": [USER, ASSISTANT], "label": 1},
    ("axolotl", "rl"): {"prompt": [USER, ASSISTANT]},
    ("openrlhf", "sft"): {"messages": [USER]},
    ("openrlhf", "preferences"): {"chosen": [USER, ASSISTANT], "rejected": [ASSISTANT]},
    ("openrlhf", "reward"): {"chosen": [USER, ASSISTANT], "rejected": [USER, ASSISTANT]},
    ("openrlhf", "rl"): {"prompt": [{"role": "user", "content": "what is <image>?"}]},
    ("verl", "sft"): {"messages": "q"},
    ("verl", "preferences"): {"prompt": [USER], "chosen": "a", "rejected": "b"},
    ("verl", "reward"): {"prompt": "q", "chosen": "a"},
    ("verl", "rl"): {
        "prompt": [USER],
        "data_source": "d",
        "ability": "a",
        "extra_info": {"index": 0, "split": "train"},
    },
    ("nemo-rl", "sft"): {"messages": [USER, ASSISTANT], "message_loss_mask": [1, 1]},
    ("nemo-rl", "preferences"): {"context": [USER], "completions": [{"rank": 0, "completion": [ASSISTANT]}] * 2},
    ("nemo-rl", "reward"): {"context": [USER], "completions": [{"rank": 0, "completion": [ASSISTANT]}]},
    ("nemo-rl", "rl"): {"input": [USER], "output": ""},
}


def test_every_rule_can_fail(validators: ModuleType) -> None:
    assert set(BROKEN) == set(validators.CHECKS)
    assert [key for key, row in BROKEN.items() if validators.CHECKS[key](row) is None] == []


@pytest.mark.parametrize(
    ("info", "row"),
    [
        ({}, {"input": "", "output": "a"}),
        (
            {"formatting": "sharegpt"},
            {"conversations": [{"from": "gpt", "value": "a"}, {"from": "human", "value": "q"}]},
        ),
        ({"formatting": "sharegpt"}, {"conversations": [{"from": "human", "value": "q"}]}),
        (
            {"formatting": "sharegpt", "ranking": True, "columns": {"chosen": "chosen", "rejected": "rejected"}},
            {
                "conversations": [{"from": "human", "value": "q"}],
                "chosen": "a",
                "rejected": {"from": "gpt", "value": "b"},
            },
        ),
        (
            {"formatting": "sharegpt", "columns": {"kto_tag": "label"}},
            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "label": "yes"},
        ),
    ],
)
def test_the_rules_of_llamafactory_can_fail(info: dict[str, Any], row: dict[str, Any], validators: ModuleType) -> None:
    check: Callable[[Any], str | None] = validators.llamafactory(info)
    assert check(row) is not None
