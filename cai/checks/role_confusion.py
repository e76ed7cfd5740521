"""Whether a critique stands where a revision is due, or a revision where a critique is due.

A critique talks about an answer, its author or its reader; an answer talks to the reader. Each sentence is read for the
phrases of role_patterns.yaml, and what the text has in common with the answer or the critique before it is weighed in.
"""

import re
from typing import Literal

from cai.checks.role_patterns import role_book, role_patterns
from cai.refusals.sentences import OTHER, sentences

GRAM = 3
COPIED = 0.6
"""Least share of n-grams, of either in the other, that makes a text a copy of the critique before it."""
RESAID = 0.4
"""Least share of a text's n-grams that stand in the answer before it, for the text to be taken for that answer anew."""
SHORT_WORDS = 8
"""Fewer words than these say too little to be taken for a new answer."""
ENGLISH = 0.15
"""Least share of the commonest English words for a text to be English, where silence of the phrases says something."""
PREFACE_WORDS = 30
"""More words than these about an answer, before the new one begins, are a critique and no mere preface."""

_CRITIQUE_MARK = re.compile(r"^\W{0,4}(?:(?:critique|revision) ?request|critique)\W{0,3}:", re.I | re.M)
_REVISION_MARK = re.compile(
    r"^\W{0,4}(?:the )?(?:revision|(?:revised|new|rewritten) (?:answer|response|reply|version))\W{0,3}:", re.I | re.M
)

Role = Literal["handover", "apology", "about", "address", "verdict", "other"]
_RANKED: tuple[Role, ...] = ("handover", "apology", "about", "address", "verdict")
_TO_THE_READER: tuple[Role, ...] = ("apology", "address")


def criticises_instead(text: str, previous: str, critique: str | None) -> bool:
    """Whether the text, which should be an answer, is a critique of one.

    Args:
        text: What stands where a revision is due.
        previous: The answer that was to be revised.
        critique: The critique that it follows, if there was one.
    """
    text = _without(text, _REVISION_MARK)
    if _CRITIQUE_MARK.search(text) or (critique is not None and _copied(text, critique, previous)):
        return True
    said = _said(text)
    roles = [role for role, _ in said]
    if "handover" in roles:
        return sum(count for role, count in said[: roles.index("handover")] if role == "about") > PREFACE_WORDS
    about, address = roles.count("about"), sum(role in _TO_THE_READER for role in roles)
    if about:
        leads = roles[0] in ("about", "verdict") or 2 * about >= len(roles)
        return leads and (about > address or (about == address and roles[0] == "about"))
    short = sum(count for _, count in said) <= PREFACE_WORDS
    return short and roles[:1] == ["verdict"] and not address and _shared(text, previous) < RESAID


def answers_instead(text: str, answer: str) -> bool:
    """Whether the text, which should be a critique of an answer, is itself an answer."""
    # What follows the last mark of a revision is what the text comes to.
    text = _without(text[max((mark.end() for mark in _REVISION_MARK.finditer(text)), default=0) :], _CRITIQUE_MARK)
    said = _said(text)
    roles = [role for role, _ in said]
    about, address = roles.count("about"), sum(role in _TO_THE_READER for role in roles)
    resaid = _shared(text, answer) >= RESAID
    if about:
        return resaid and address > about and roles[0] != "about"
    if resaid:
        return True
    if sum(count for _, count in said) < SHORT_WORDS or not _english(text):
        return False
    return address > 0 or "verdict" not in roles


def _said(text: str) -> list[tuple[Role, int]]:
    """The role of each sentence, and how many words it has."""
    return [(_role(sentence.words), len(sentence.words)) for sentence in sentences(text)]


def _role(said: tuple[str, ...]) -> Role:
    hits = role_book().find(said)
    explained = {place for hit in hits if hit.kind == "exception" for place in range(hit.start, hit.end)}
    found = {hit.kind for hit in hits if explained.isdisjoint(range(hit.start, hit.end))}
    return next((role for role in _RANKED if role in found), "other")


def _english(text: str) -> bool:
    said = [word for sentence in sentences(text) for word in sentence.words]
    return sum(word in role_patterns().common for word in said) >= ENGLISH * len(said)


def _without(text: str, mark: re.Pattern[str]) -> str:
    """The text without a mark at its beginning."""
    found = mark.match(text.lstrip())
    return text.lstrip()[found.end() :] if found else text


def _copied(text: str, critique: str, previous: str) -> bool:
    copied = min(_shared(text, critique), _shared(critique, text))
    return copied >= COPIED and copied > _shared(text, previous)


def _shared(text: str, other: str) -> float:
    """Share of a text's n-grams that stand in the other; what is quoted does not count."""
    grams = _grams(text)
    return len(grams & _grams(other)) / len(grams) if grams else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    said = [word for sentence in sentences(text) for word in sentence.words if word != OTHER]
    return {tuple(said[start : start + GRAM]) for start in range(max(1, len(said) - GRAM + 1))} if said else set()
