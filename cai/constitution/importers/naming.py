"""Ids of imported principles, made from their words: the same text has the same id in every import."""

import re
import unicodedata
from collections.abc import Container, Iterable

from cai.records import content_hash

WORDS = 4
_MOST_WORDS = 8
_LONGEST_WORD = 24
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after all also always am an and any anything are as at be because been being both but by can could
        did do does doing during each either even ever every everything for from get gets give gives giving had has have
        having he her here hers him his how however i if in into is it its itself just least less like likely made make
        makes making may me might more moreover most much must my myself near no nor not of off on once one only or
        other our out over own per rather same say said saying says seem she should so some something such sure than
        that the their them then there these they thing things this those through to too towards under until up us
        using very was way ways we were what when where whether which while who why will with within without would you
        your
        """
        # Words with which requests about answers begin, whatever they are about.
        """
        amend answer answers assistant choose choosing compare consider content critique critiquing carefully discuss
        evaluate evaluating examine exhibit exhibits explain human identify include includes including last look new
        note options please point possible preceding question read remove removes removing reply request response
        responses revise revised revision rewrite select specific specifically take think try version write written
        """,
    )
)


def slug(text: str, words: int = WORDS) -> str:
    """The first telling words of a text, joined by hyphens; empty if it has no Latin letters or digits."""
    return "-".join(_telling(text)[:words])


def name_of(stem: str) -> str:
    """The name of a file as a name with hyphens; empty if it has no Latin letters or digits."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem)
    return "-".join(_words(apart))


def unique_slug(text: str, taken: Container[str]) -> str:
    """A slug that is not taken: of more words where few do not tell two rules apart, else with a number."""
    telling = _telling(text)
    if not telling:
        telling = ["rule", content_hash(text)[:8]]
    for count in range(min(WORDS, len(telling)), min(_MOST_WORDS, len(telling)) + 1):
        name = "-".join(telling[:count])
        if name not in taken:
            return name
    name, number = "-".join(telling[:WORDS]), 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _telling(text: str) -> list[str]:
    words = _words(re.sub(r"['\u2019]s\b", "", text))
    telling = _once(word for word in words if word not in _EMPTY_WORDS)
    return telling or _once(words)


def _words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", letters.replace("'", ""))


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word[:_LONGEST_WORD] for word in words))
