r"""Conversations written as one text in the form of the hh-rlhf dataset: "\n\nHuman: ...\n\nAssistant: ...".

A marker counts only at the start of the text or after an empty line, so that "Human:" inside a turn stays part of it.
The one space after a marker belongs to the marker; every other character, white space included, belongs to the turn,
so that `join_turns` gives back the text exactly. Nothing here knows files or rows.
"""

import re
from collections.abc import Iterable

from cai.records import Author, Message

_MARKER = re.compile(r"(?:\A\n*|\n\n)(Human|Assistant):( ?)")
_ROLES: dict[str, Author] = {"Human": "user", "Assistant": "assistant"}
_NAMES = {role: name for name, role in _ROLES.items()}


def split_turns(transcript: str) -> tuple[Message, ...]:
    """Every turn of a transcript, in order; two turns of one speaker in a row stay two turns.

    Raises:
        ValueError: The text does not begin with a marker; the message says what was expected.
    """
    markers = list(_MARKER.finditer(transcript))
    if not markers or markers[0].start() != 0:
        raise ValueError('the transcript does not begin with "\\n\\nHuman: " or "\\n\\nAssistant: "')
    ends = [marker.start() for marker in markers[1:]] + [len(transcript)]
    return tuple(
        Message(_ROLES[marker[1]], transcript[marker.end() : end]) for marker, end in zip(markers, ends, strict=True)
    )


def join_turns(turns: Iterable[Message]) -> str:
    """The transcript of user and assistant turns; the inverse of `split_turns`."""
    return "".join(f"\n\n{_NAMES[turn.role]}: {turn.content}" for turn in turns)
