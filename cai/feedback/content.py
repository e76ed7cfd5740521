"""When two comparisons are the same: by what they say, not by how it is spaced, composed or ordered."""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from cai.records import Message, content_hash


class Content(NamedTuple):
    """What a comparison says.

    `key` is the same for both orders of the answers; `a_hash` tells which of them is A. Equal answers have one hash.
    """

    key: str
    a_hash: str
    b_hash: str


def normalised(text: str) -> str:
    """The text in composed form (NFC) with every run of white space as one space: what spreadsheets and forms keep."""
    return " ".join(unicodedata.normalize("NFC", well_formed(text)).split())


def well_formed(text: str) -> str:
    """A server may send half a surrogate pair, which has no UTF-8 form: U+FFFD stands for it, as decoders do."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def content_of(prompt: Iterable[Message], response_a: str, response_b: str) -> Content:
    """The content of a prompt with two answers."""
    a_hash, b_hash = (content_hash(normalised(text)) for text in (response_a, response_b))
    asked = [[turn.role, normalised(turn.content)] for turn in prompt]
    return Content(content_hash("comparison", asked, sorted((a_hash, b_hash))), a_hash, b_hash)
