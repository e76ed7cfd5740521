"""A tokenizer that is blind to control tokens: whatever it is given, it answers with ordinary tokens.

Made from a model's tokenizer.json with the control tokens taken out. Knows nothing of prompts or templates.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from tokenizers import AddedToken, Tokenizer

_CACHED_RUNS = 8192


class Run(NamedTuple):
    """A stretch of text between two control tokens, with what these neighbours do to it.

    `first`: no control token before it. `strip_left`, `strip_right`: the neighbour on that side swallows white space.
    """

    text: str
    first: bool
    strip_left: bool
    strip_right: bool


def is_plain(content: str) -> bool:
    """Whether an added token is only a way to write ordinary text: white space, or one ASCII character."""
    return not content.replace("\u2581", " ").strip() or (len(content) == 1 and content.isascii())


class BlindTokenizer:
    """Encodes text exactly as the model's tokenizer encodes text without control tokens in it.

    A run is encoded between two marks. A mark is an added token of this tokenizer alone, with a text that nobody can
    guess; it stands for the control token that is there in the prompt, so that all rules of the tokenizer about the
    beginning of a text or the neighbourhood of an added token hold as they do in the joint encoding.

    Args:
        spec: The parsed tokenizer.json.
        added: Added tokens of the full tokenizer by id.
        controls: Texts of those that must not be recognised.
        control_ids: Ids that must not come out.
    """

    def __init__(
        self,
        spec: dict[str, Any],
        added: dict[int, AddedToken],
        controls: frozenset[str],
        control_ids: frozenset[int],
    ) -> None:
        self._control_ids = control_ids
        self._tokenizer = Tokenizer.from_str(json.dumps(_without(spec, controls)))
        plain = {token_id: token for token_id, token in added.items() if token.content not in controls}
        self._tokenizer.add_tokens([token for token in plain.values() if not token.special])
        self._tokenizer.add_special_tokens([token for token in plain.values() if token.special])
        # Ids of added tokens are given out anew when a tokenizer is built: these lead back to the model's own.
        here = {self._tokenizer.token_to_id(token.content): token_id for token_id, token in plain.items()}
        self._renamed = {ours: theirs for ours, theirs in here.items() if ours is not None and ours != theirs}
        nonce = _unguessable()
        self._left = {strip: f"{nonce}l{int(strip)}" for strip in (False, True)}
        self._right = f"{nonce}r"
        self._tokenizer.add_special_tokens(
            [
                *(AddedToken(text, rstrip=strip, normalized=False) for strip, text in self._left.items()),
                AddedToken(self._right, lstrip=True, normalized=False),
            ]
        )
        self._marks = {self._tokenizer.token_to_id(text) for text in (*self._left.values(), self._right)}
        self._cached: Callable[[Run], tuple[int, ...]] = lru_cache(_CACHED_RUNS)(self._encode)

    def encode(self, run: Run) -> tuple[int, ...]:
        """Ids of a run, none of them a control token; the same run is encoded once."""
        return self._cached(run)

    def _encode(self, run: Run) -> tuple[int, ...]:
        head = "" if run.first else self._left[run.strip_left]
        encoding = self._tokenizer.encode(
            head + run.text + (self._right if run.strip_right else ""), add_special_tokens=False
        )
        ids = [self._renamed.get(token, token) for token in encoding.ids if token not in self._marks]
        if self._control_ids.isdisjoint(ids):
            return tuple(ids)
        return self._split(run, encoding.ids, encoding.offsets, len(head))

    def _split(self, run: Run, ids: list[int], offsets: list[tuple[int, int]], head: int) -> tuple[int, ...]:
        """Cut the text inside the token that must not be, and encode the two parts each for itself.

        A single character that this tokenizer can only write with a control token is left out.
        """
        start, end = next(span for token, span in zip(ids, offsets, strict=True) if token in self._control_ids)
        start, end = max(start - head, 0), min(end - head, len(run.text))
        if end - start > 1:
            before, after = run.text[: start + 1], run.text[start + 1 :]
        else:
            before, after = run.text[:start], run.text[max(end, start + 1) :]
        parts = (
            run._replace(text=before, strip_right=False),
            run._replace(text=after, first=False, strip_left=False),
        )
        return tuple(token for part in parts if part.text for token in self._encode(part))


def _without(spec: dict[str, Any], controls: frozenset[str]) -> dict[str, Any]:
    """The tokenizer's JSON without added tokens, its model unable to produce the text of a control token."""
    model = dict(spec["model"])
    aliases = {content: _unguessable() for content in controls}
    vocabulary: Any = model.get("vocab")
    if isinstance(vocabulary, dict):
        model["vocab"] = _filled({aliases.get(str(piece), str(piece)): index for piece, index in vocabulary.items()})
    elif isinstance(vocabulary, list):
        # Scores stay: changing the lowest one would change the cost of unknown characters.
        model["vocab"] = [[aliases.get(piece, piece), score] for piece, score in vocabulary]
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = aliases.get(model["unk_token"], model["unk_token"])
    if "merges" in model:
        model["merges"] = [merge for merge in model["merges"] if controls.isdisjoint(_texts(merge))]
    return {
        **spec,
        "model": model,
        "added_tokens": [],
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _texts(merge: str | list[str]) -> Iterable[str]:
    """The two pieces that a BPE merge joins, and what they make."""
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return left, right, left + right


def _filled(vocabulary: dict[str, int]) -> dict[str, int]:
    """No gaps in the ids: new tokens are numbered from the size of the vocabulary, and must not hit an old one."""
    known = set(vocabulary.values())
    gaps = (index for index in range(max(known, default=-1)) if index not in known)
    return vocabulary | {_unguessable(): index for index in gaps}


def _unguessable() -> str:
    """Text that occurs in no prompt; without white space, and the same in every normal form."""
    return f"\ue000{secrets.token_hex(16)}\ue001"
