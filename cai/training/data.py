"""All sources of a training read, encoded and mixed: what the trainers take, and the counts for the summary."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import pyarrow as pa
from datasets import Dataset
from datasets.table import InMemoryTable

from cai.config.training import TrainingBase
from cai.engines.encoding import Encoder
from cai.errors import DatasetError, EngineError
from cai.training.rows import Kind, Pair
from cai.training.sources import SourceFiles, find_source, read_examples
from cai.training.tokens import Columns, ExampleEncoder


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What became of the rows of one source.

    `rows` are trained on and `heldout` measured; `too_long` and `equal` (a pair of two equal answers, which teaches
    nothing) were left out of both.
    """

    path: str
    weight: float
    rows: int
    heldout: int
    too_long: int
    equal: int
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Encoded rows: those of one epoch in no order that means anything, and the held-out ones by length.

    The column `row` numbers different rows; a source of weight 2 has each of its rows twice.
    """

    train: Dataset
    heldout: Dataset | None
    sources: tuple[SourceCount, ...]


def load_data(config: TrainingBase, kind: Kind, encoder: Encoder, max_length: int) -> TrainingData:
    """Read, encode and mix every source.

    Args:
        config: Sources, their weights, the seed, and what becomes of rows that are too long.
        kind: Kind of the training.
        encoder: That of the model.
        max_length: Longest row in tokens.

    Raises:
        DatasetError: A source is missing, empty, or not in the columns of this kind.
        EngineError: The model has no chat template.
    """
    if not encoder.has_chat_template:
        fix = "use a model that was tuned for chat, or put a chat_template.jinja into its folder"
        raise EngineError("the model has no chat template", where=config.model, fix=fix)
    reader = _Reader(ExampleEncoder(encoder, kind, max_length), kind)
    order: list[int] = []
    sources = []
    for source in config.data:
        files = find_source(source, kind)
        count = reader.read(files)
        if count.too_long and config.too_long == "error":
            what = f"{count.too_long} rows are longer than {max_length} tokens"
            raise DatasetError(what, where=source.path, fix="raise max_length, or set too_long to drop")
        if not count.rows:
            raise DatasetError(_empty(count, max_length), where=source.path, fix="check the data and max_length")
        order += _repeated(len(reader.train) - count.rows, count.rows, source.weight, Random(f"mix/{config.seed}"))
        sources.append(count)
    if not order:
        fix = "raise the weights, or give more data"
        raise DatasetError("the weights leave no row to train on", fix=fix)
    heldout = sorted(reader.heldout, key=lambda columns: int(columns["length"]))
    return TrainingData(_dataset(reader.train, order), _dataset(heldout) if heldout else None, tuple(sources))


class _Reader:
    """Gathers encoded rows of all sources."""

    def __init__(self, encoder: ExampleEncoder, kind: Kind) -> None:
        self._encoder = encoder
        self._kind = kind
        self.train: list[Columns] = []
        self.heldout: list[Columns] = []

    def read(self, files: SourceFiles) -> SourceCount:
        too_long = equal = 0
        before = len(self.train), len(self.heldout)
        for kept, paths in ((self.train, files.train), (self.heldout, files.heldout)):
            for example in read_examples(paths, self._kind):
                if isinstance(example, Pair) and example.chosen == example.rejected:
                    equal += 1
                elif (columns := self._encoder.encode(example)) is None:
                    too_long += 1
                else:
                    kept.append(columns)
        rows, heldout = len(self.train) - before[0], len(self.heldout) - before[1]
        return SourceCount(files.path, files.weight, rows, heldout, too_long, equal, files.fingerprint())


def _repeated(first: int, rows: int, weight: float, rng: Random) -> list[int]:
    """Numbers of the rows of one source, each as often as its weight says; the fractional part is drawn."""
    every = list(range(first, first + rows))
    whole = int(weight)
    return every * whole + sorted(rng.sample(every, round((weight - whole) * rows)))


def _dataset(rows: Sequence[Columns], order: Sequence[int] | None = None) -> Dataset:
    """A dataset in memory. Made from Arrow at once: mapping functions over it would write caches to disk."""
    table = pa.table({name: [columns[name] for columns in rows] for name in rows[0]})
    table = table.append_column("row", pa.array(range(len(rows)), pa.int64()))
    if order is not None and list(order) != list(range(len(rows))):
        table = table.take(pa.array(order, pa.int64()))
    return Dataset(InMemoryTable(table))


def _empty(count: SourceCount, max_length: int) -> str:
    if count.too_long or count.equal:
        parts = f"{count.too_long} are longer than {max_length} tokens, {count.equal} are pairs of equal answers"
        return f"no row is left to train on: {parts}"
    return "there is no row to train on"
