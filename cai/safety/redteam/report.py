"""The prompts as rows, and what is told of how they came about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from cai.config.redteam import RedteamConfig
from cai.safety.redteam.gate import Kept, Rejected
from cai.safety.redteam.methods import ASKS_THE_MODEL, Attempt
from cai.safety.redteam.novelty import Novelty, distinct_ngrams
from cai.safety.redteam.seeds import Seeds

TAG = "red-team"


@dataclass
class Search:
    """The search for one hazard. The last `barren` tries gave nothing; `stopped` says why it was given up."""

    hazard: str
    wanted: int
    kept: list[Kept] = field(default_factory=list)
    tries: int = 0
    barren: int = 0
    stopped: Literal["novelty", "tries"] | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    methods_tried: Counter[str] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        """Whether more is wanted, and hoped for."""
        return self.stopped is None and len(self.kept) < self.wanted

    def give_up(self, most_tries: int, patience: int) -> None:
        """Stop if nothing new comes any more, or every try is used up."""
        if self.is_open and self.barren >= patience:
            self.stopped = "novelty"
        elif self.is_open and self.tries >= most_tries:
            self.stopped = "tries"

    def count(self, attempt: Attempt, result: Kept | Rejected) -> None:
        """An attempt has come to its end."""
        self.tries += 1
        self.methods_tried[attempt.method] += 1
        if isinstance(result, Kept):
            self.kept.append(result)
            self.barren = 0
        else:
            self.rejected[result.reason] += 1
            self.barren += 1


def rows_of(searches: Sequence[Search], config: RedteamConfig) -> list[dict[str, Any]]:
    """Rows of a file of prompts: the prompt, its hazard and tags, and where it comes from.

    Hazards take turns, so that the beginning of the file has all of them.
    """
    in_turn = zip_longest(*(search.kept for search in searches))
    return [_row(kept, config) for row in in_turn for kept in row if kept is not None]


def _row(kept: Kept, config: RedteamConfig) -> dict[str, Any]:
    candidate, attempt = kept.candidate, kept.candidate.attempt
    single = len(candidate.messages) == 1
    prompt: dict[str, Any] = (
        {"prompt": candidate.messages[0].content}
        if single
        else {"messages": [message.to_dict() for message in candidate.messages]}
    )
    return {
        **prompt,
        "hazard": attempt.hazard.id,
        "tags": [TAG, attempt.method],
        "method": attempt.method,
        "wording": attempt.wording,
        "language": attempt.language,
        "seed_ids": [seed.id for seed in attempt.seeds],
        "model": config.engine.model if attempt.method in ASKS_THE_MODEL else None,
        "hazard_probability": kept.probability,
    }


def report_of(
    config: RedteamConfig, out: Path, seeds: Seeds, searches: Sequence[Search], novelty: Novelty
) -> dict[str, Any]:
    """What report.json holds.

    `novelty` is of the kept prompts: the similarity of each one's nearest seed (mean and largest), and the share of
    n-grams that are different; None where there is none.
    """
    kept = [one for search in searches for one in search.kept]
    tries = sum(search.tries for search in searches)
    tried = sum((search.methods_tried for search in searches), Counter[str]())
    by_method: Counter[str] = Counter(one.candidate.attempt.method for one in kept)
    rejected = sum((search.rejected for search in searches), Counter[str]())
    return {
        "out": str(out),
        "wanted": config.n,
        "kept": len(kept),
        "tries": tries,
        "kept_share": len(kept) / tries if tries else None,
        "model": config.engine.model,
        "hazards": [_of_hazard(search) for search in searches],
        "methods": [{"method": method, "tries": tried[method], "kept": by_method[method]} for method in sorted(tried)],
        "rejected": dict(sorted(rejected.items(), key=lambda item: (-item[1], item[0]))),
        "novelty": _novelty([one.candidate.text for one in kept], novelty),
        "seeds": {
            "read": len(seeds.every),
            "used": seeds.used,
            "several_turns": seeds.several_turns,
            "no_hazard": seeds.no_hazard,
        },
    }


def _of_hazard(search: Search) -> dict[str, Any]:
    return {
        "hazard": search.hazard,
        "wanted": search.wanted,
        "kept": len(search.kept),
        "tries": search.tries,
        "stopped": search.stopped,
    }


def _novelty(texts: Sequence[str], novelty: Novelty) -> dict[str, float | None]:
    nearest = [novelty.nearest_seed(text) for text in texts]
    return {
        "nearest_seed_mean": sum(nearest) / len(nearest) if nearest else None,
        "nearest_seed_max": max(nearest, default=None),
        **{f"distinct_{size}": distinct_ngrams(texts, size) for size in (1, 2, 3)},
    }
