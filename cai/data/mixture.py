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
from typing import NamedTuple

from cai.config.prompts import NO_HAZARD, PromptsConfig, PromptSourceConfig, as_mixture
from cai.data.hub import is_hub_name
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
        self._seed = seed

    def weight(self, prompt: Prompt) -> float:
        """Of its hazard."""
        return self._weights.get(prompt.hazard or NO_HAZARD, 1.0)

    def rank(self, prompt: Prompt) -> float:
        """From 0 up to 1 / weight; without end where the weight of its hazard is 0."""
        weight = self.weight(prompt)
        draw = int(content_hash(self._seed, prompt.id, "mixture"), 16) / _DRAWS
        return draw / weight if weight > 0 else float("inf")


def mix(prompts: str | PromptsConfig, seed: int, limit: int | None = None) -> Mixture:
    """Read every source once, check every row, and work out what is taken of each.

    Args:
        prompts: A path, or sources with their weights.
        seed: Seeds the draws.
        limit: How many prompts will be read, if that is known. A dataset of the Hub that is the only source is checked
            only so far: it may be too large to be read for nothing.

    Raises:
        PromptSourceError: A source or a row is not usable, a source holds no prompt, or the weights leave nothing.
        StorageError: A file cannot be read.
    """
    config = _cut(as_mixture(prompts), limit)
    check_hazards([name for name in config.hazard_weights if name != NO_HAZARD], "hazard_weights")
    keenness = _Keenness(config.hazard_weights, seed)
    ranked = [_ranked(source, keenness) for source in config.sources]
    thresholds = _thresholds([source.weight for source in config.sources], ranked)
    shares = [
        SourceShare(source.path, len(found.ranks), sum(rank < threshold for rank in found.ranks), threshold)
        for source, found, threshold in zip(config.sources, ranked, thresholds, strict=True)
    ]
    if not any(share.taken for share in shares):
        raise PromptSourceError("the weights leave no prompt", where=str(config), fix="raise a weight")
    return Mixture(config, seed, tuple(shares))


def _cut(config: PromptsConfig, limit: int | None) -> PromptsConfig:
    source = config.sources[0]
    if limit is None or len(config.sources) > 1 or config.hazard_weights or not is_hub_name(source.path):
        return config
    cut = source.model_copy(update={"limit": min(limit, source.limit or limit)})
    return config.model_copy(update={"sources": (cut,)})


class _Ranked(NamedTuple):
    """The ranks of a source's prompts, and the sum and the largest of their hazards' weights."""

    ranks: "array[float]"
    weight: float
    most: float

    @property
    def size(self) -> float:
        """Prompts that are to be expected if as many are taken as the hazards' weights allow."""
        return self.weight / self.most if self.most else 0.0


def _ranked(source: PromptSourceConfig, keenness: _Keenness) -> _Ranked:
    ranks, total, most = array("d"), 0.0, 0.0
    for prompt in read(source):
        weight = keenness.weight(prompt)
        ranks.append(keenness.rank(prompt))
        total, most = total + weight, max(most, weight)
    if not ranks:
        raise no_prompt(source.path)
    return _Ranked(ranks, total, most)


def _thresholds(weights: Sequence[float], sources: Sequence[_Ranked]) -> list[float]:
    """The thresholds of sources with these weights: each takes its share, and one as much as it can."""
    wanted = [weight / source.size if source.size else 0.0 for weight, source in zip(weights, sources, strict=True)]
    largest = max(wanted)
    return [want / largest / source.most if want else 0.0 for want, source in zip(wanted, sources, strict=True)]


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
