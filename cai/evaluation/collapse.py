"""Signs that a model's answers have become all alike: few different n-grams, loops, equal openings, odd lengths.

A word is what stands between white space, in lower case. Shares of different n-grams fall with the number of answers,
so compare models on the same prompts only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

OPENING_WORDS = 5
LOOP_WORDS = 4


def collapse_figures(answers: Sequence[str]) -> dict[str, float | None]:
    """Every figure of this module by its name in evaluation.json; None where there is nothing to count."""
    words = [answer.casefold().split() for answer in answers]
    return {
        "distinct_1": distinct(words, 1),
        "distinct_2": distinct(words, 2),
        f"repeated_{LOOP_WORDS}gram_share": repeated_share(words, LOOP_WORDS),
        "mean_length": sum(map(len, words)) / len(words) if words else None,
        "identical_opening_share": identical_opening_share(words, OPENING_WORDS),
    }


def distinct(answers: Sequence[Sequence[str]], n: int) -> float | None:
    """Different n-grams over all n-grams of all answers together (Li et al. 2016, arXiv 1510.03055, distinct-n)."""
    counts = Counter(gram for words in answers for gram in _grams(words, n))
    return len(counts) / counts.total() if counts else None


def repeated_share(answers: Sequence[Sequence[str]], n: int) -> float | None:
    """Share of an answer's n-grams that stand earlier in the same answer: the mean over answers that have any.

    Welleck et al. 2019 (arXiv 1908.04319), seq-rep-n: 1 - different n-grams / n-grams. It finds loops.
    """
    shares = [1 - len(set(grams)) / len(grams) for words in answers if (grams := list(_grams(words, n)))]
    return sum(shares) / len(shares) if shares else None


def identical_opening_share(answers: Sequence[Sequence[str]], length: int) -> float | None:
    """Share of the answers that begin with the commonest opening of `length` words; shorter ones count as a whole."""
    openings = Counter(tuple(words[:length]) for words in answers)
    return openings.most_common(1)[0][1] / len(answers) if answers else None


def _grams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + n]) for start in range(len(words) - n + 1))
