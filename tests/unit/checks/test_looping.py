"""Endless repetition, and the many things that repeat a little and are well."""

import time
from random import Random

import pytest

from cai.checks.looping import looping

_WORDS = [
    "".join(letters) for letters in ((a, b, c, d) for a in "bdfgk" for b in "aeiou" for c in "lmnrs" for d in "aeiou")
]


def prose(words: int, seed: int = 0) -> str:
    """Words at random."""
    return " ".join(Random(seed).choices(_WORDS, k=words))


@pytest.mark.parametrize(
    "text",
    [
        "I am sorry. " * 12,
        prose(300) + " " + "Please see a professional. " * 8,
        prose(100) + " " + "no means no " * 12 + prose(100, 1),
        (prose(40) + ".\n\n") * 3,
        "\n".join(f"{number}. Do not tell lies to people." for number in range(1, 20)),
        "That is soooo" + "o" * 60,
        "ha" * 40,
        "ha " * 40,
        "\n".join(["Yes"] * 40),
        "\u6211\u4e0d\u77e5\u9053\u3002" * 20,
        "\U0001f600" * 40,
        " ".join(f"{prose(3, n)}. I cannot do that because it would be harmful to others." for n in range(6)),
        "\n".join(f"- The {word} must not be used for harm, and the user must not use it." for word in _WORDS[:25]),
        ("You are right. " + "I am wrong. ") * 8,
    ],
)
def test_endless_repetition_is_found(text: str) -> None:
    assert looping(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        prose(2000),
        "It is very very very very very good, really really good, no no no.",
        "We will, we will rock you! We will, we will rock you! Everybody sing.",
        "\n\n".join(prose(30, n) + "\nAnd we all go home again, home again,\nall go home at night." for n in range(4)),
        "Title\n" + "-" * 80 + "\n| a | b |\n|---|---|\n" + "\n".join(f"| {w} | {w[::-1]} |" for w in _WORDS[:30]),
        "```python\n" + "\n".join(f"self.{word} = {word}" for word in _WORDS[:25]) + "\n```",
        "\n".join(f"{number} x 7 = {number * 7}" for number in range(1, 13)),
        " ".join(f"I have a dream that one day {prose(9, n)}." for n in range(8)),
        "\n".join(f"From {word}, deliver us." for word in _WORDS[:12]),
        "Chapter one ........................................................ 5",
        "0 " * 100,
        "Aaaaaaaaaargh!",
    ],
)
def test_what_repeats_a_little_is_well(text: str) -> None:
    assert not looping(text)


@pytest.mark.parametrize("text", ["a b " * 50_000, prose(40_000), "xyz" * 60_000 + "q", " " * 200_000, "ab" * 11 + "c"])
def test_the_work_grows_with_the_length_alone(text: str) -> None:
    """Ten times the text may take ten times as long; a quadratic search would take a hundred times as long."""
    begun = time.process_time()
    looping(text)
    once = time.process_time() - begun
    begun = time.process_time()
    looping(text * 10)
    assert time.process_time() - begun < 60 * max(once, 0.005)
