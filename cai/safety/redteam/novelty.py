"""How new a prompt is: whether it copies a seed or another new one, how near the nearest seed is, how varied all are.

Knows no model and no file.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, Self

from cai.near.duplicates import NearDuplicates
from cai.near.shingles import normalised, shingles

Copied = Literal["seed", "new"]


class Novelty:
    """The seeds, and the new prompts that were kept so far. Close it when done.

    Args:
        seeds: Texts of all seeds.
        near: Similarity from which on a text that a model wrote is a copy.
        near_templates: The same for any text: those of one template share its words, and may still ask for different
            things.
    """

    def __init__(self, seeds: Sequence[str], near: float, near_templates: float) -> None:
        self._written = NearDuplicates(near)
        self._every = NearDuplicates(near_templates)
        self._sizes: list[int] = []
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(seeds):
            self._written.add("seed", text)
            self._every.add("seed", text)
            pieces = shingles(normalised(text))
            self._sizes.append(len(pieces))
            for piece in pieces:
                self._holders[piece].append(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._written.close()
        self._every.close()

    def copied(self, text: str, *, written: bool) -> Copied | None:
        """What a text copies; one that copies nothing is remembered as new.

        Args:
            text: All turns of a prompt.
            written: A model wrote it; else it is a template with a seed in it.
        """
        found = self._written.first_like("new", text) if written else None
        found = found or self._every.first_like("new", text)
        if found is None:
            return None
        return "seed" if found == "seed" else "new"

    def nearest_seed(self, text: str) -> float:
        """Jaccard similarity of the seed that is most like a text, from 0 to 1."""
        pieces = shingles(normalised(text))
        shared = Counter(number for piece in pieces for number in self._holders.get(piece, ()))
        return max((both / (len(pieces) + self._sizes[number] - both) for number, both in shared.items()), default=0.0)


def distinct_ngrams(texts: Sequence[str], size: int) -> float | None:
    """Share of the runs of `size` words that are different, over all texts together; None if there is no run.

    Li et al. 2016, *A Diversity-Promoting Objective Function for Neural Conversation Models*, section 5.2.
    """
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = normalised(text).split()
        grams.update(tuple(words[start : start + size]) for start in range(len(words) - size + 1))
    return len(grams) / grams.total() if grams else None
