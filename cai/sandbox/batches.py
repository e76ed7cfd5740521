"""Training batches of the sandbox model: documents packed into rows of fixed length, each seeing only itself.

Positions start at 0 in every document, as they do when the model is used; a document never attends to its neighbours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from cai.sandbox.documents import SLOT_WEIGHT, VERDICT_WEIGHT, VERDICTS, Document, draw_document
from cai.sandbox.lexicon import lexicon
from cai.sandbox.tokenizer import END


class Batch(NamedTuple):
    """One optimiser step's input; every array is [rows, length].

    `weights[b, t]` multiplies the loss of predicting `tokens[b, t]` from what stands before it; `documents` numbers
    the documents of a row, 0 being padding.
    """

    tokens: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    positions: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document as token ids and loss weights."""

    tokens: list[int]
    weights: list[float]


class DocumentEncoder:
    """Turns documents into tokens and weights; words that must be copied or decided count more."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._control = {name: _id(tokenizer, f"<|{name}|>") for name in ("user", "assistant")}
        self._end = _id(tokenizer, END)
        self._factors: dict[int, float] = {}
        slots = [word for values in lexicon().slots.values() for word in values]
        slots += [word for family in lexicon().harmful for word in family.name.split()]
        for word, factor in [*((w, SLOT_WEIGHT) for w in slots), *((w, VERDICT_WEIGHT) for w in VERDICTS)]:
            for token in (tokenizer.token_to_id(word), tokenizer.token_to_id("Ġ" + word)):
                if token is not None:
                    self._factors[token] = factor

    def encode(self, document: Document) -> Encoded:
        """Encode a document as the chat template writes it."""
        tokens: list[int] = []
        weights: list[float] = []
        for turn in document:
            ids = self._tokenizer.encode(turn.text, add_special_tokens=False).ids
            tokens += [self._control[turn.role], *ids, self._end]
            factors = [self._factors.get(i, 1.0) for i in ids] if turn.role == "assistant" else [1.0] * len(ids)
            weights += [0.0, *(turn.weight * factor for factor in factors), turn.weight]
        return Encoded(tokens, weights)


def _id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token}")
    return found


class Packer:
    """Draws documents and packs them into rows, first fit, from a small pool."""

    def __init__(self, encoder: DocumentEncoder, rng: Random, rows: int, length: int) -> None:
        self._encoder = encoder
        self._rng = rng
        self._rows = rows
        self._length = length
        self._pool: list[Encoded] = []

    def batch(self, share_of_copies: float) -> Batch:
        """The next batch."""
        shape = (self._rows, self._length)
        batch = Batch(*(np.zeros(shape, dtype) for dtype in (np.int64, np.float32, np.int64, np.int64)))
        for row in range(self._rows):
            start, number = 0, 0
            while True:
                self._fill_pool(share_of_copies)
                fitting = next((d for d in self._pool if start + len(d.tokens) <= self._length), None)
                if fitting is None:
                    break
                self._pool.remove(fitting)
                number += 1
                span = slice(start, start + len(fitting.tokens))
                batch.tokens[row, span] = fitting.tokens
                batch.weights[row, span] = fitting.weights
                batch.positions[row, span] = np.arange(len(fitting.tokens))
                batch.documents[row, span] = number
                start = span.stop
        return batch

    def _fill_pool(self, share_of_copies: float) -> None:
        while len(self._pool) < 24:
            encoded = self._encoder.encode(draw_document(self._rng, share_of_copies))
            if len(encoded.tokens) <= self._length:
                self._pool.append(encoded)


def batches(packer: Packer, fading: int, total: int) -> Iterator[Batch]:
    """All batches of a training run; copying exercises are a quarter of the documents at first, then fade out.

    Args:
        packer: Draws the batches.
        fading: Over a quarter of this many steps the exercises fade.
        total: Batches in all.
    """
    for step in range(total):
        progress = step / fading
        yield packer.batch(share_of_copies=max(0.01, 0.25 * (1 - progress / 0.25)))
