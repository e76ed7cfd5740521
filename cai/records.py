"""Rows of a run: frozen values that pass from stage to stage and into the journal.

Nothing here does I/O or knows an engine. `to_dict`/`from_dict` turn a row into plain JSON values and back.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, Self

SCHEMA_VERSION = 1

Author = Literal["system", "user", "assistant"]
ComparisonSource = Literal["sampled", "two_models", "draft_vs_revision", "revision_vs_revision", "imported"]
Split = Literal["train", "sft", "preference", "eval"]


def content_hash(*parts: Any) -> str:
    """Stable 16-character hash of JSON-able parts (128 bits would be longer than ids need to be read aloud)."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Author
    content: str

    def to_dict(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that ends with a user turn, to be answered.

    `id` is the hash of the messages alone, so that it survives reordering, renaming and growth of the source.
    """

    id: str
    messages: tuple[Message, ...]
    source: str
    hazard: str | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        messages: tuple[Message, ...],
        source: str,
        hazard: str | None = None,
        tags: tuple[str, ...] = (),
    ) -> Self:
        """Make a prompt whose id is the hash of its messages."""
        return cls(content_hash([m.to_dict() for m in messages]), messages, source, hazard, tags)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "messages": [m.to_dict() for m in self.messages],
            "source": self.source,
            "hazard": self.hazard,
            "tags": list(self.tags),
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        return cls(
            row["id"],
            tuple(Message(m["role"], m["content"]) for m in row["messages"]),
            row["source"],
            row["hazard"],
            tuple(row["tags"]),
        )


class Reply(NamedTuple):
    """What a model said when asked for the next turn; `text` is stripped and never empty."""

    text: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The generator's first answer."""

    text: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Critique:
    """What the critic says of an answer under the principles of a round."""

    principle_ids: tuple[str, ...]
    text: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a critic states in figures: whether the answer violates the principles, from 0 (not at all) to 4 (badly).

    `evidence` are the words of the answer that show it, in the critic's copy; `quoted` says whether they really are in
    the answer.
    """

    violates: bool
    severity: int
    evidence: str
    quoted: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Revision:
    """The answer rewritten after a critique.

    `attempt` counts from 0 the draws that it took; `flaw` is what is still wrong with the one that was kept.
    """

    text: str
    finish_reason: str
    attempt: int = 0
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and the revision that followed it, under one principle or several; `index` counts from 1.

    A mode that asks for the revision at once has no critique; an answer that a verdict finds compliant may stay as it
    is, without a revision.
    """

    index: int
    principle_ids: tuple[str, ...]
    critique: Critique | None
    revision: Revision | None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The way of one prompt: the draft, every round, and the answer that stands at the end."""

    prompt: Prompt
    draft: Draft
    rounds: tuple[Round, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        """Draft first, then each revision; rounds that kept the answer add none."""
        return (self.draft.text, *(r.revision.text for r in self.rounds if r.revision is not None))

    @property
    def final(self) -> str:
        return self.answers[-1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers to one prompt. It knows nothing of which is better: that is a `Label`."""

    prompt: Prompt
    response_a: str
    response_b: str
    source: ComparisonSource

    @property
    def id(self) -> str:
        return content_hash(self.prompt.id, self.response_a, self.response_b)

    def swap(self) -> "Comparison":
        """The same two answers the other way round."""
        return Comparison(self.prompt, self.response_b, self.response_a, self.source)


Distribution = tuple[float, ...]
"""Probabilities of the ratings from 1 up, which sum to 1."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One judgement of one labeler: under one principle, with the answers shown in one order.

    `p_a` is the probability that response A of the *comparison* is better, whichever was shown first, and whichever way
    the question was put (`negated`: which answer is worse?); `mass` is the probability that the judge put on the
    replies that it was offered. `rationale` is what it wrote before it judged, `ratings` what it gave to A and to B
    where it rated each by itself; such a vote knows no order, and says "ab".
    """

    principle_id: str
    order: Literal["ab", "ba"]
    p_a: float
    mass: float
    labeler: str = "labeler"
    negated: bool = False
    rationale: str | None = None
    ratings: tuple[Distribution, Distribution] | None = None

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        rated = row.get("ratings")
        return cls(**{**row, "ratings": (tuple(rated[0]), tuple(rated[1])) if rated else None})


@dataclass(frozen=True, slots=True)
class Label:
    """AI feedback on one comparison: the mean over votes.

    `flipped`: the share of principles whose verdict changed with the order of the answers is above one half. `spread`:
    the standard deviation of `p_a` over the labelers of an ensemble; None where one judged alone.
    """

    comparison_id: str
    p_a: float
    label_mass: float
    flipped: bool
    method: str
    votes: tuple[Vote, ...] = ()
    spread: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        return cls(**{**row, "votes": tuple(Vote.from_dict(vote) for vote in row["votes"])})


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an engine call took: prompt (cached part included), cached part, generated."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.generated_tokens + other.generated_tokens,
        )


StepStatus = Literal["done", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One finished step of one record, as the journal keeps it.

    `asked` is the hash of everything that determined the request (rendered text, sampling, seed, model): a step whose
    `asked` differs from the present one is owed again.
    """

    record_id: str
    stage: str
    round: int
    attempt: int
    asked: str
    status: StepStatus
    body: dict[str, Any]
    usage: Usage = field(default_factory=Usage)


OutcomeStatus = Literal["trajectory", "filtered", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a record ended. `plan` is the fingerprint of all that the run asked of it."""

    record_id: str
    status: OutcomeStatus
    reason: str | None
    plan: str
