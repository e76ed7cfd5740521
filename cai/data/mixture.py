"""Several sources as one stream of prompts, in the shares that their weights ask for.

Whether a prompt is taken depends on a number drawn from the seed and its id, and on one threshold for each source and
hazard: neither the order of sources nor of rows matters, and prompts that are added to a file change little of what is
taken of the rest. The thresholds are as high as the weights allow, so that the source that is shortest for its share is
taken whole; nothing is taken twice. The stream takes turns between the sources, so that its beginning has their shares
too.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cai.config.prompts import NO_HAZARD, PromptsConfig, as_mixture
from cai.data.mapping import check_hazards
from cai.data.sources import no_prompt, read
from cai.errors import PromptSourceError
from cai.records import Prompt, content_hash

_DRAWS = float(2**64)


@dataclass(frozen=True, slots=True)
class SourceShare:
    """What a mixture takes of one source: `taken` of its `count` prompts; `threshold` decides which."""

    path: str
    count: int
    taken: int
    threshold: float


@dataclass(frozen=True)
class Mixture:
    """Sources that were read once and checked; iterating reads them again."""

    config: PromptsConfig
    seed: int
    shares: tuple[SourceShare, ...]

    @property
    def count(self) -> int:
        """Prompts in the stream, duplicates included."""
        return sum(share.taken for share in self.shares)

    def __iter__(self) -> Iterator[Prompt]:
        """The prompts.

        Raises:
            PromptSourceError: A source has changed since it was checked.
        """
        streams = [self._taken(index) for index in range(len(self.shares))]
        yield from streams[0] if len(streams) == 1 else _in_turn(streams, [share.taken for share in self.shares])

    def _taken(self, index: int) -> Iterator[Prompt]:
        threshold = self.shares[index].threshold
        every = read(self.config.sources[index])
        if threshold >= 1 and not self.config.hazard_weights:
            return every
        keenness = _Keenness(self.config.hazard_weights, self.seed)
        return (prompt for prompt in every if keenness.rank(prompt) < threshold)


class _Keenness:
    """How early a prompt is taken as the threshold of its source rises: its draw over the weight of its hazard."""

    def __init__(self, weights: Mapping[str, float], seed: int) -> None:
        self._weights = weights
        self._most = max([*weights.values(), 1.0]) if weights else 1.0
        self._seed = seed

    def weight(self, prompt: Prompt) -> float:
        """Of its hazard, relative to the largest; at most 1."""
        return self._weights.get(prompt.hazard or NO_HAZARD, 1.0) / self._most

    def rank(self, prompt: Prompt) -> float:
        """From 0; 1 and more where the weight of its hazard leaves it out."""
        weight = self.weight(prompt)
        draw = int(content_hash(self._seed, prompt.id, "mixture"), 16) / _DRAWS
        return draw / weight if weight > 0 else float("inf")


def mix(prompts: str | PromptsConfig, seed: int) -> Mixture:
    """Read every source once, check every row, and work out what is taken of each.

    Args:
        prompts: A path, or sources with their weights.
        seed: Seeds the draws.

    Raises:
        PromptSourceError: A source or a row is not usable, a source holds no prompt, or the weights leave nothing.
        StorageError: A file cannot be read.
    """
    config = as_mixture(prompts)
    check_hazards([name for name in config.hazard_weights if name != NO_HAZARD], "hazard_weights")
    keenness = _Keenness(config.hazard_weights, seed)
    ranks: list[array[float]] = []
    expected: list[float] = []
    for source in config.sources:
        found, weight = array("d"), 0.0
        for prompt in read(source):
            found.append(keenness.rank(prompt))
            weight += keenness.weight(prompt)
        if not found:
            raise no_prompt(source.path)
        ranks.append(found)
        expected.append(weight)
    thresholds = _thresholds([source.weight for source in config.sources], expected)
    pairs = zip(config.sources, ranks, thresholds, strict=True)
    shares = [
        SourceShare(source.path, len(found), sum(rank < threshold for rank in found), threshold)
        for source, found, threshold in pairs
    ]
    if not any(share.taken for share in shares):
        raise PromptSourceError("the weights leave no prompt", where=str(config), fix="raise a weight")
    return Mixture(config, seed, tuple(shares))


def _thresholds(weights: Sequence[float], expected: Sequence[float]) -> list[float]:
    """Thresholds proportional to weight over size, the largest of them 1; a source of which nothing is wanted has 1."""
    wanted = [weight / size if size else 0.0 for weight, size in zip(weights, expected, strict=True)]
    most = max(wanted)
    return [want / most if want else 1.0 for want in wanted]


def _in_turn(streams: Sequence[Iterator[Prompt]], sizes: Sequence[int]) -> Iterator[Prompt]:
    """The streams merged so that each has given its share of all at every point; the earlier one if two are level."""
    given = [0] * len(streams)
    while True:
        left = [index for index, size in enumerate(sizes) if given[index] < size]
        if not left:
            return
        index = min(left, key=lambda i: (given[i] + 1) / sizes[i])
        prompt = next(streams[index], None)
        if prompt is None:
            raise PromptSourceError(
                "a source has fewer prompts than when it was checked", where="the mixture", fix="run again"
            )
        given[index] += 1
        yield prompt
