"""Whether a text repeats itself without end: the same signs, words, sentences or paragraphs over and over.

The work grows with the length of the text and with nothing else.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from cai.checks.words import words

GRAM = 3
"""Words that must come again together."""
LOOP_TIMES = 4
"""How often a unit stands in a row before it counts as a loop..."""
LOOP_WORDS = 24
"""...if the row is this many words long..."""
LONG_TIMES = 3
"""...or this often, if each is..."""
LONG_UNIT = 12
"""...this many words."""
WINDOW = 100
"""Words that are looked at together for loops that change a little each time."""
SHORTEST_WINDOW = 50
FEWEST_NEW = 0.35
"""Least share of different n-grams within a window."""

SENTENCE_WORDS = 5
"""Sentences of fewer words may come again as often as they like."""
MOST_AGAIN = 0.5
"""Largest share of the words that may stand in sentences that were there before."""
SHORTEST_TEXT = 40
"""Texts of fewer words are not looked at for that."""

_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\n]+")
_SIGNS = re.compile(r"([^\s\d]{1,6}?)\1{23,}")
_RULED = re.compile(r"[-=_*.~#|+:\u2500-\u257f]+")


def looping(text: str) -> bool:
    """Whether the text repeats itself: signs, a row of equal units, sentences, or hardly any words that are new.

    Numbers do not count as words, so that steps that differ in nothing but their number are the same.
    """
    if any(not _RULED.fullmatch(found[1]) for found in _SIGNS.finditer(text)):
        return True
    spoken = [word for word in words(text) if not word.isdigit()]
    grams = [tuple(spoken[start : start + GRAM]) for start in range(len(spoken) - GRAM + 1)]
    return _in_a_row(grams) or _hardly_new(grams) or _same_sentences(text)


def _same_sentences(text: str) -> bool:
    """Whether most of the text is sentences that were there before, whatever stands between them."""
    seen: set[tuple[str, ...]] = set()
    again = total = 0
    for sentence in _SENTENCE_END.split(text):
        said = tuple(word for word in words(sentence) if not word.isdigit())
        total += len(said)
        if len(said) >= SENTENCE_WORDS:
            again += len(said) if said in seen else 0
            seen.add(said)
    return total >= SHORTEST_TEXT and again > MOST_AGAIN * total


def _in_a_row(grams: Sequence[tuple[str, ...]]) -> bool:
    """Whether a unit of words follows itself often enough.

    While it does, each n-gram stood as many words before as the unit is long.
    """
    for period, run in _rows(grams):
        length = run + GRAM - 1 + period
        times = length / period
        if (times >= LOOP_TIMES and length >= LOOP_WORDS) or (times >= LONG_TIMES and period >= LONG_UNIT):
            return True
    return False


def _rows(grams: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Stretches in which every n-gram stood the same number of words before: this number, and the stretch's length."""
    last: dict[tuple[str, ...], int] = {}
    period = run = 0
    for place, gram in enumerate(grams):
        back = place - last.get(gram, place)
        last[gram] = place
        if back and back == period:
            run += 1
            continue
        if period:
            yield period, run
        period, run = back, 1
    if period:
        yield period, run


def _hardly_new(grams: Sequence[tuple[str, ...]]) -> bool:
    """Whether some window of the text has too few different n-grams."""
    window: deque[tuple[str, ...]] = deque()
    seen: Counter[tuple[str, ...]] = Counter()
    for place, gram in enumerate(grams, start=1):
        window.append(gram)
        seen[gram] += 1
        if len(window) > WINDOW:
            gone = window.popleft()
            seen[gone] -= 1
            if not seen[gone]:
                del seen[gone]
        whole = len(window) == WINDOW or (place == len(grams) and place >= SHORTEST_WINDOW)
        if whole and len(seen) < FEWEST_NEW * len(window):
            return True
    return False
