"""How well near-duplicates are found, and what it takes.

Prints, for texts made of common words with small edits: the share of the pairs that an exact comparison of all pairs
finds and MinHash finds too, the pairs that MinHash finds wrongly (none can be: it compares exactly), and the processor
time for 10,000 prompts, and the memory that the comparison adds.

    python benchmarks/near_duplicates.py [--prompts 20000]
"""

import argparse
import random
import resource
import time
from collections.abc import Iterator
from itertools import combinations

from cai.data.groups import PromptGroups
from cai.near.duplicates import NearDuplicates
from cai.near.shingles import jaccard, normalised, shingles
from cai.records import Message, Prompt

COMPARED = 1200
THRESHOLDS = (0.7, 0.8, 0.9)
SYLLABLES = [first + second for first in "bcdfglmnprstv" for second in "aeiou"]


def texts(count: int, seed: int) -> Iterator[str]:
    """Texts of 5 to 40 words; two thirds are earlier ones with one to four words changed."""
    drawn = random.Random(seed)
    words = ["".join(drawn.choices(SYLLABLES, k=drawn.randint(1, 4))) for _ in range(3000)]
    made: list[list[str]] = []
    for _ in range(count):
        if made and drawn.random() < 0.67:
            text = list(drawn.choice(made[-200:]))
            for _ in range(drawn.randint(1, 4)):
                text[drawn.randrange(len(text))] = drawn.choice(words)
        else:
            text = drawn.choices(words, k=drawn.randint(5, 40))
        made.append(text)
        yield " ".join(text)


def recall(threshold: float, found: list[str]) -> tuple[int, int]:
    """Pairs that an exact comparison finds, and how many of them MinHash finds."""
    pieces = [shingles(normalised(text)) for text in found]
    alike = {(i, j) for i, j in combinations(range(len(found)), 2) if jaccard(pieces[i], pieces[j]) >= threshold}
    near: set[tuple[int, int]] = set()
    with NearDuplicates(threshold) as index:
        for number, text in enumerate(found):
            _, others = index.add(str(number), text)
            near.update((other.number - 1, number) for other in others)
    assert near <= alike
    return len(alike), len(near)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=20000)
    count = parser.parse_args().prompts
    for threshold in THRESHOLDS:
        alike, near = recall(threshold, list(texts(COMPARED, 1)))
        print(f"threshold {threshold}: {near} of {alike} pairs found, {near / alike:.1%}")
    prompts = [Prompt.of((Message("user", text),), "x") for text in texts(count, 2)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with PromptGroups(0.8, 0.9) as groups:
        groups.survey(prompts)
        took = time.process_time() - began
        dropped = sum(groups.place(prompt.id).like is not None for prompt in prompts)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    each = f"{took / count * 1e4:.2f} s of one core for each 10,000"
    print(f"{count} prompts: {each}; {grown:.0f} MB of memory; {dropped} dropped")


if __name__ == "__main__":
    main()
