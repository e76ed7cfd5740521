"""Whether a revision is the answer before it, word for word."""

from cai.checks.words import words

_PREFACE_WORDS = 12


def unchanged(text: str, previous: str) -> bool:
    """Whether two answers have the same words; case, punctuation and white space do not count.

    A line before it, such as "Here is the new answer:", changes nothing.
    """
    preface, colon, rest = text.partition(":")
    if colon and len(words(preface)) <= _PREFACE_WORDS and _same(rest, previous):
        return True
    return _same(text, previous)


def _same(text: str, other: str) -> bool:
    said = words(text)
    return said == words(other) and (bool(said) or text.split() == other.split())
