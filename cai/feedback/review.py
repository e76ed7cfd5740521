"""What a person should look at first: comparisons of a run by the reason why a second opinion is worth most.

The file is blind. The order of the two answers is drawn from the seed and the id of the comparison, no AI verdict is
shown unless asked for, and neither is the reason. The id in the file is that of the comparison in the order shown, so
that the answer "a" or "b" joins back exactly, with nothing else left of the row.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from cai.errors import UsageError
from cai.feedback.compared import Compared, View
from cai.feedback.content import well_formed
from cai.feedback.store import FeedbackStore, Verdict
from cai.records import content_hash

RANDOM = "random"
Score = Callable[[Compared, Verdict | None], float | None]


def _uncertain(compared: Compared, _: Verdict | None) -> float:
    return -abs(compared.label.p_a - 0.5)


def _flipped(compared: Compared, _: Verdict | None) -> float | None:
    """Flipped with the order of the answers; of these the least understood first."""
    return 1 - compared.label.label_mass if compared.label.flipped else None


def _spread(compared: Compared, _: Verdict | None) -> float | None:
    return compared.label.spread or None


def _harmful(compared: Compared, _: Verdict | None) -> float | None:
    """By the severity that a critic gave; without any, a prompt with a hazard comes before one without."""
    if compared.severity is not None:
        return float(compared.severity) if compared.severity else None
    return 0.5 if compared.prompt.hazard else None


def _disputed(compared: Compared, verdict: Verdict | None) -> float | None:
    """People prefer the other answer; those first where both sides are sure."""
    if verdict is None:
        return None
    people, ai = verdict.p_for(compared.content.a_hash) - 0.5, compared.label.p_a - 0.5
    return -people * ai if people * ai < 0 else None


REASONS: dict[str, Score] = {
    "uncertain": _uncertain,
    "flipped": _flipped,
    "spread": _spread,
    "harmful": _harmful,
    "disputed": _disputed,
    RANDOM: lambda _compared, _verdict: 0.0,
}
"""Why a comparison is worth a look. `random` is what an unbiased figure needs; the others are hard cases."""


class Drawn(NamedTuple):
    """A comparison to be looked at, and why."""

    compared: Compared
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A comparison as it is shown: answers in the drawn order, under the id of that order."""

    comparison_id: str
    compared: Compared
    reason: str
    swapped: bool

    @property
    def response_a(self) -> str:
        return self.compared.response_b if self.swapped else self.compared.response_a

    @property
    def response_b(self) -> str:
        return self.compared.response_a if self.swapped else self.compared.response_b

    @property
    def ai_p_a(self) -> float:
        """The AI label in the order shown."""
        return 1 - self.compared.label.p_a if self.swapped else self.compared.label.p_a


def review(
    view: View, store: FeedbackStore, n: int = 200, by: Sequence[str] = tuple(REASONS), seed: int = 0
) -> list[ReviewItem]:
    """The comparisons to look at, at most `n`, in an order that says nothing, and their reasons kept in the store.

    Each reason in turn gives its next best, and chance decides alone what is in the share of `random`. What people have
    judged is left out, but where they dispute the AI label. Memory grows with `n`, not with the run.

    Args:
        view: The run.
        store: Its feedback.
        n: How many.
        by: Reasons, the most important first.
        seed: Of the order of the answers and of the rows, and of `random`.

    Raises:
        UsageError: A reason is not known, or there is no comparison to look at.
        StorageError: The run or the feedback cannot be read or written.
    """
    unknown = [name for name in by if name not in REASONS]
    if unknown or not by:
        fix = f"use some of {', '.join(REASONS)}"
        raise UsageError(f"there is no reason {unknown[0]!r}" if unknown else "no reason", where="--by", fix=fix)
    best = _ranked(view, store, n, by, seed)
    at_random = best.pop(RANDOM, [])
    share = -(-n // (len(best) + 1)) if at_random else 0
    chosen: dict[str, Drawn] = {}
    for drawn in (one for row in zip_longest(*best.values()) for one in row if one is not None):
        if len(chosen) < n - share:
            chosen.setdefault(drawn.compared.id, drawn)
    # What chance brings is random, also where it is a hard case too: else the random ones would be the easy ones.
    for drawn in at_random:
        if len(chosen) == n:
            break
        chosen[drawn.compared.id] = drawn
    if not chosen:
        fix = "let `cai generate` label comparisons first, or ask for other reasons with --by"
        raise UsageError("there is no comparison to review", where=str(view.place.path), fix=fix)
    store.keep_reasons({id_: drawn.reason for id_, drawn in chosen.items()})
    shown = sorted(chosen.values(), key=lambda drawn: content_hash("review", seed, drawn.compared.id))
    return [_item(drawn, seed) for drawn in shown]


def rows_for_review(items: Sequence[ReviewItem], *, show_ai: bool) -> Iterator[dict[str, Any]]:
    """What a person sees of each, in our columns: `preferred`, `annotator` and `note` are theirs to fill in."""
    for item in items:
        prompt = item.compared.prompt
        row: dict[str, Any] = {
            "comparison_id": item.comparison_id,
            "prompt": [{"role": turn.role, "content": well_formed(turn.content)} for turn in prompt.messages],
            "response_a": well_formed(item.response_a),
            "response_b": well_formed(item.response_b),
            "preferred": "",
            "annotator": "",
            "note": "",
        }
        if show_ai:
            ai = item.ai_p_a
            preferred = "tie" if ai == 0.5 else "a" if ai > 0.5 else "b"
            row |= {"ai_preferred": preferred, "ai_p_a": round(ai, 4), "why": item.reason, "hazard": prompt.hazard}
        yield row


def _ranked(view: View, store: FeedbackStore, n: int, by: Sequence[str], seed: int) -> dict[str, list[Drawn]]:
    """The best `n` comparisons by each reason, the best first; equal ones by a draw."""
    best: dict[str, list[tuple[float, str, Compared]]] = {name: [] for name in dict.fromkeys(by)}
    for compared in view.comparisons():
        verdict = store.verdict(compared.content)
        for name, kept in best.items():
            score = None if verdict is not None and name != "disputed" else REASONS[name](compared, verdict)
            if score is None:
                continue
            # Ids are unique, so that no two comparisons are ever compared.
            item = (score, content_hash("review", name, seed, compared.id), compared)
            (heapq.heappush if len(kept) < n else heapq.heappushpop)(kept, item)
    return {
        name: [Drawn(compared, name) for *_, compared in sorted(kept, key=lambda item: item[:2], reverse=True)]
        for name, kept in best.items()
    }


def _item(drawn: Drawn, seed: int) -> ReviewItem:
    compared = drawn.compared
    swapped = int(content_hash("order", seed, compared.id), 16) % 2 == 1
    return ReviewItem(compared.swapped_id if swapped else compared.id, compared, drawn.reason, swapped)
