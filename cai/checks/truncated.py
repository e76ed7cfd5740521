"""Whether a text was cut off before its end."""

import re

CUT = "length"
"""The finish reason of an engine that stopped at the token limit."""
UNKNOWN = "unknown"
"""The finish reason of a text that no engine of ours wrote: whether it was cut off has to be seen in the text."""

_FENCE = "```"
_ENDED = re.compile(r"""[.!?\u2026\u3002\uff01\uff1f\u061f\u0964][)\]"'\u2018\u2019\u201d\u00bb*_`~]*(?:\s|$)""")
_OPEN = re.compile(r"[,;(\[{\u2014\u2013\u00ab\u201c\u3001\uff0c/&-]$")
_HANGING = re.compile(
    r"\b(?:a|an|the|and|or|of|to|in|on|at|by|for|from|with|that|which|because|if|is|are|was|were|be|as|than|my|your"
    r"|his|their|its|our|this|these|such|into|about|would|could|should|can|will)$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2013>|#]|\(?(?:\d{1,3}|[a-zA-Z])[.):])\s*\S")
_SIGNED_WORDS = 4


def truncated(text: str, finish_reason: str | None) -> bool:
    """Whether the text stops in the middle.

    An engine's finish reason settles it. Without one (None, or `UNKNOWN`), a text counts as cut off if it ends within a
    block of code, with an open clause ("such as the"), or without a full stop after sentences that have theirs. Items
    of a list, headings and signatures need none.
    """
    if finish_reason not in (None, UNKNOWN):
        return finish_reason == CUT
    text = text.rstrip()
    if not text:
        return False
    if text.count(_FENCE) % 2:
        return True
    if text.endswith(_FENCE):
        return False
    last = text.splitlines()[-1]
    if _OPEN.search(last) or _HANGING.search(last):
        return not (last.endswith(",") and len(last.split()) <= _SIGNED_WORDS and _closes(text, last))
    unfinished = text[-1].isalnum() and not _ITEM.match(last) and len(last.split()) > _SIGNED_WORDS
    return unfinished and _ENDED.search(text) is not None


def _closes(text: str, last: str) -> bool:
    """Whether the last line stands by itself below a text, as "Yours," does."""
    above = text.removesuffix(last).rstrip()
    return bool(above) and _ENDED.search(above[-3:]) is not None
