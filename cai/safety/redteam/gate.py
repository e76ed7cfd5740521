"""What becomes of a candidate: kept, or rejected for one reason. Knows no model; the order of candidates matters."""

from dataclasses import dataclass

from cai.checks.looping import looping
from cai.checks.truncated import truncated
from cai.config.redteam import RedteamConfig
from cai.refusals.detector import detect_refusal
from cai.safety.redteam.methods import ASKS_THE_MODEL, Candidate
from cai.safety.redteam.novelty import Novelty

_BROKEN = "\N{REPLACEMENT CHARACTER}"
_COPIES = {"seed": "copies a seed", "new": "copies a new prompt"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate that passed; `probability` is that of its hazard, where the model was asked."""

    candidate: Candidate
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An attempt that gave nothing, and why."""

    reason: str


def flaw_of(reply: str, finish_reason: str) -> str | None:
    """Why what a model wrote is no prompt; None if it may be one."""
    if not reply.strip():
        return "empty"
    if truncated(reply, finish_reason):
        return "cut off"
    if looping(reply):
        return "looping"
    # A model that was taught to decline may decline to write for a test.
    return "the model declined" if detect_refusal("", reply) == "full" else None


def rejection(candidate: Candidate, novelty: Novelty, config: RedteamConfig) -> str | None:
    """Why a candidate is not kept; None if it is, and then it is known from now on."""
    text = candidate.text
    if len(candidate.messages[-1].content.strip()) < config.min_chars:
        return "too short"
    if len(text) > config.max_chars:
        return "too long"
    if _BROKEN in text:
        return "broken characters"
    copied = novelty.copied(text, written=candidate.attempt.method in ASKS_THE_MODEL)
    return None if copied is None else _COPIES[copied]
