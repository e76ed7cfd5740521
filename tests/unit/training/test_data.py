"""Sources are mixed by weight, counted, and held out."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.config.training import DpoTraining, SftTraining
from cai.engines.encoding import Encoder
from cai.errors import DatasetError, EngineError
from cai.training.data import load_data

Row = Callable[[int], dict[str, Any]]


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> Encoder:
    return Encoder.load(str(tiny_model))


def sft(*sources: tuple[Path, float], **changes: Any) -> SftTraining:
    data = [{"path": str(path), "weight": weight} for path, weight in sources]
    return SftTraining.model_validate({"model": "m", "data": data, **changes})


def test_weights_say_how_often_a_row_comes(answers: Path, pairs: Path, encoder: Encoder, write: Any) -> None:
    other = write(answers.parent / "other.jsonl", [{"prompt": f"Other {n}", "completion": "x"} for n in range(10)])
    data = load_data(sft((answers, 2.25), (other, 0.5)), "sft", encoder, 1000)
    times = Counter(data.train["row"])
    first = [times[row] for row in range(12)]
    assert sorted(first) == [2] * 9 + [3] * 3
    assert sorted(times[row] for row in range(12, 22)) == [0] * 5 + [1] * 5
    assert [(count.rows, count.weight) for count in data.sources] == [(12, 2.25), (10, 0.5)]


def test_the_fractional_part_is_drawn_with_the_seed(answers: Path, encoder: Encoder) -> None:
    draws = [
        tuple(load_data(sft((answers, 0.5), seed=seed), "sft", encoder, 1000).train["row"]) for seed in (1, 1, 2, 3)
    ]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


def test_held_out_rows_are_apart_and_by_length(tmp_path: Path, make_answer: Row, encoder: Encoder) -> None:
    pq.write_table(pa.Table.from_pylist([make_answer(n) for n in range(4)]), tmp_path / "train-0.parquet")
    pq.write_table(pa.Table.from_pylist([make_answer(n) for n in range(3, 9)]), tmp_path / "eval-0.parquet")
    data = load_data(sft((tmp_path, 3.0)), "sft", encoder, 1000)
    assert data.heldout is not None
    assert len(data.train) == 12
    lengths = list(data.heldout["length"])
    assert len(lengths) == 6
    assert lengths == sorted(lengths)
    assert data.sources[0].heldout == 6


def test_left_out_rows_are_counted(tmp_path: Path, make_pair: Row, encoder: Encoder) -> None:
    rows = [make_pair(n) for n in range(4)]
    rows.append({**make_pair(5), "rejected": make_pair(5)["chosen"]})
    rows.append({**make_pair(6), "rejected": "word " * 300})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = DpoTraining.model_validate({"model": "m", "data": [{"path": str(path)}]})
    (count,) = load_data(config, "dpo", encoder, 200).sources
    assert (count.rows, count.equal, count.too_long) == (4, 1, 1)
    strict = config.model_copy(update={"too_long": "error"})
    with pytest.raises(DatasetError, match="1 rows are longer than 200 tokens"):
        load_data(strict, "dpo", encoder, 200)


def test_nothing_to_train_on_is_an_error(tmp_path: Path, answers: Path, encoder: Encoder) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(DatasetError, match=r"empty\.jsonl: there is no row to train on"):
        load_data(sft((empty, 1.0)), "sft", encoder, 1000)
    with pytest.raises(DatasetError, match="12 are longer than 8 tokens"):
        load_data(sft((answers, 1.0)), "sft", encoder, 8)
    with pytest.raises(DatasetError, match="the weights leave no row"):
        load_data(sft((answers, 0.01)), "sft", encoder, 1000)


def test_a_model_without_a_chat_template_cannot_be_trained(tiny_model: Path, answers: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tiny_model / name).read_bytes())
    with pytest.raises(EngineError, match=r"no chat template.*chat_template\.jinja"):
        load_data(sft((answers, 1.0)), "sft", Encoder.load(str(tmp_path)), 1000)
