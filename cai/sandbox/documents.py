"""Training documents of the sandbox model: conversations of the pipeline, judgements, and early copying exercises.

A document is a list of turns; each turn says how much its tokens count in the loss. Prompts count a little, so that the
model learns the words; an assistant's turn counts as often as the helpful-only model of the world should say it.
"""

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from cai.sandbox.lexicon import lexicon
from cai.sandbox.oracle import Kind, breaks, prefers
from cai.sandbox.wordings import TemplateDraw, Wording, aspects, draw_principle, wordings
from cai.sandbox.world import AnswerKind, Request, draw_answer, draw_request, good_answer

PROMPT_WEIGHT = 0.05
VERDICT_WEIGHT = 6.0
SLOT_WEIGHT = 2.0
LETTER_WEIGHT = 16.0
VERDICTS = ("breaks", "keeps")

# How often a kind of answer opens a training conversation, and how often the helpful-only model should draft it.
_SHOWN: dict[bool, dict[AnswerKind, float]] = {
    True: {"comply": 0.62, "rude": 0.13, "evasive": 0.13, "refusal": 0.12},
    False: {"comply": 0.74, "rude": 0.10, "evasive": 0.10, "refusal": 0.06},
}
_DRAFTED: dict[bool, dict[AnswerKind, float]] = {
    True: {"comply": 0.94, "rude": 0.02, "evasive": 0.02, "refusal": 0.02},
    False: {"comply": 0.96, "rude": 0.02, "evasive": 0.02, "refusal": 0.0},
}
_JUDGED: dict[bool, dict[AnswerKind, float]] = {
    True: {"comply": 0.38, "rude": 0.13, "evasive": 0.14, "refusal": 0.35},
    False: {"comply": 0.45, "rude": 0.18, "evasive": 0.17, "refusal": 0.20},
}
SHARE_HARMFUL = 0.6
SHARE_FAILED_REVISIONS = 0.15
SHARE_OFF_TOPIC = 0.12

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn; `weight` multiplies the loss of its tokens."""

    role: Role
    text: str
    weight: float


Document = tuple[Turn, ...]


def _draw_kind(rng: Random, table: dict[AnswerKind, float]) -> AnswerKind:
    return rng.choices(list(table), list(table.values()))[0]


def _request(rng: Random) -> Request:
    families = lexicon().harmful if rng.random() < SHARE_HARMFUL else lexicon().benign
    return draw_request(rng, families, heldout=False)


def _draw_aspect(rng: Random, request: Request) -> str:
    """Own hazard or harm in general most often, as the sandbox constitution draws them."""
    own = request.family.key if request.hazard else rng.choice(lexicon().harmful).key
    return rng.choices((own, "harm", rng.choice(aspects()), "polite", "open"), (30, 30, 10, 15, 15))[0]


def critique_text(rng: Random, request: Request, kind: Kind, aspect: str) -> str:
    """What a right critic says of an answer of this kind under this aspect."""
    rows = wordings()["critiques"]
    broken = breaks(request, kind, aspect)
    if not broken:
        detail = "fine"
    elif aspect == "polite":
        detail = "rude"
    elif aspect == "open":
        detail = "evasive" if kind == "evasive" else "refuses"
    else:
        detail = "harmful"
    name = request.family.name if request.hazard else ""
    opener: str = rng.choice(rows["breaks" if broken else "keeps"])
    text: str = rng.choice(rows[detail])
    return f"{opener} {text.format(name=name, want=request.wanted('their'))}"


def conversation(rng: Random, rounds: int, wording: Wording = "train") -> Document:
    """A request, a draft, and rounds of critique and revision."""
    request = _request(rng)
    harmful = request.hazard is not None
    kind = _draw_kind(rng, _SHOWN[harmful])
    text = draw_answer(rng, request, kind)
    weight = (_DRAFTED[harmful][kind] / _SHOWN[harmful][kind]) * (
        _SHOWN[harmful]["comply"] / _DRAFTED[harmful]["comply"]
    )
    turns = [Turn("user", request.text, PROMPT_WEIGHT), Turn("assistant", text, weight)]
    templates = TemplateDraw(rng, wording)
    for _ in range(rounds):
        principle = draw_principle(rng, _draw_aspect(rng, request), wording)
        turns.append(Turn("user", templates.critique(principle), PROMPT_WEIGHT))
        turns.append(Turn("assistant", critique_text(rng, request, kind, principle.aspect), 1.0))
        turns.append(Turn("user", templates.revision(principle), PROMPT_WEIGHT))
        counts = 1.0
        if breaks(request, kind, principle.aspect):
            if rng.random() < SHARE_FAILED_REVISIONS:
                # Shown, not taught: a revision that failed, so that the next round learns to catch it.
                kind, counts = _draw_kind(rng, _SHOWN[harmful]), 0.0
                text = draw_answer(rng, request, kind)
            else:
                kind = "refusal" if harmful else "comply"
                text = good_answer(rng, request)
        turns.append(Turn("assistant", text, counts))
    return tuple(turns)


def _off_topic(rng: Random, request: Request) -> Request:
    """Another request of the same family, with other slot values."""
    while True:
        other = draw_request(rng, (request.family,), heldout=False)
        if other.slots != request.slots:
            return other


def judgement(rng: Random, wording: Wording = "train") -> Document:
    """Two answers to a request, a principle's question, and the letter of the better one."""
    request = _request(rng)
    table = _JUDGED[request.hazard is not None]
    kinds = [_draw_kind(rng, table), _draw_kind(rng, table)]
    answers = [draw_answer(rng, request, kind) for kind in kinds]
    if rng.random() < SHARE_OFF_TOPIC:
        spoiled = rng.randrange(2)
        kind: AnswerKind = "comply" if request.hazard is None else "refusal"
        answers = [draw_answer(rng, request, kind), draw_answer(rng, request, kind)]
        answers[spoiled] = draw_answer(rng, _off_topic(rng, request), kind)
    principle = draw_principle(rng, _draw_aspect(rng, request), wording)
    p_a = prefers(request, answers[0], answers[1], principle.aspect)
    letter = "A" if rng.random() < p_a else "B"
    asked = TemplateDraw(rng, wording).comparison(
        [{"role": "user", "content": request.text}], answers[0], answers[1], principle.question
    )
    return (Turn("user", asked, PROMPT_WEIGHT), Turn("assistant", letter, LETTER_WEIGHT if p_a != 0.5 else 4.0))


@cache
def _copy_words() -> tuple[str, ...]:
    words = {word for family in lexicon().families for step in family.steps for word in step.split() if "{" not in word}
    words |= {value for values in lexicon().slots.values() for value in values}
    return tuple(sorted(words))


def copying(rng: Random) -> Document:
    """Words at random, to be said again: from these the model learns to copy before it learns anything else."""
    text = " ".join(rng.choices(_copy_words(), k=rng.randint(8, 24)))
    return (Turn("user", text, 0.0), Turn("assistant", text, 1.0))


def draw_document(rng: Random, share_of_copies: float, wording: Wording = "train") -> Document:
    """One document of the training mixture."""
    if rng.random() < share_of_copies:
        return copying(rng)
    if rng.random() < 0.3:
        return judgement(rng, wording)
    return conversation(rng, rng.choices((1, 2, 3), (5, 3, 2))[0], wording)
