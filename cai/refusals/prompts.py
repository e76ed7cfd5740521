"""A prompt as the refusal detector needs it: its kind, its topic, and whether a sentence denies what it assumes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cai.refusals.patterns import patterns, prompt_book, signals_of
from cai.refusals.sentences import words

_STEM = 5
_NEGATIONS = frozenset({"not", "no", "never", "cannot", "nor"})
_NO_DENIAL = frozenset({"only", "just", "sure", "necessarily", "always"})
"""Words that make a negation before them deny nothing: not only, not sure, not necessarily."""
_VERDICTS = _NEGATIONS | {"should", "must", "deserve", "deserves", "right"}
_REASONS = frozenset({"because", "as", "since"})
_BEFORE_REASON = 4


@dataclass(frozen=True)
class Asked:
    """A prompt in plain words."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, prompt: str) -> Self:
        """Read the text of a prompt."""
        return cls(words(prompt))

    @cached_property
    def signals(self) -> frozenset[str]:
        """Kinds of the phrases in it, both those of prompts and those that an answer would repeat."""
        return frozenset(hit.kind for hit in (*prompt_book().find(self.words), *signals_of(self.words)))

    @cached_property
    def stems(self) -> frozenset[str]:
        """First letters of its words that say what it is about."""
        return _stems(self.words)

    def shares_topic(self, said: Iterable[str]) -> bool:
        """Whether words of an answer are about the same."""
        return not self.stems.isdisjoint(_stems(said))

    def denied_by(self, said: Sequence[str]) -> bool:
        """Whether a sentence says the opposite of the prompt: most of its words, and one negation more or less."""
        claim = _claim(said)
        shared = self.stems & _stems(claim)
        if not shared or 2 * len(shared) < len(self.stems) or _VERDICTS.isdisjoint(claim):
            return False
        return _negated(claim) != _negated(self.words)


def _stems(plain: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in plain if len(word) > 2 and word not in patterns().common)


def _claim(said: Sequence[str]) -> Sequence[str]:
    """A sentence up to the reason that it gives."""
    end = next((i for i, word in enumerate(said) if word in _REASONS and i >= _BEFORE_REASON), len(said))
    return said[:end]


def _negated(plain: Sequence[str]) -> bool:
    pairs = zip(plain, [*plain[1:], ""], strict=True)
    return sum(word in _NEGATIONS and after not in _NO_DENIAL for word, after in pairs) % 2 == 1
