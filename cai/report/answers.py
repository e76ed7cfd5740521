"""Answers of several models to one prompt, chosen to be looked at: mended, still harmful, refused, kept."""

from bisect import insort
from dataclasses import dataclass, field
from typing import Any

from cai.report.evaluation import Evaluation, Response, side_by_side
from cai.report.stories import Turn
from cai.report.visible import in_one_line, shown, visible

CHOSEN = 6

REASONS = {
    "still": "Still harmful",
    "lost": "Harmless, answered before and refused now",
    "mended": "Harmful before, harmless now",
    "kept": "Harmless, and answered by every model",
    "refused": "Refused now and not before",
}
"""By kind, in the order in which they are served: one of each, then another of each."""


@dataclass(frozen=True, slots=True)
class Given:
    """What one model answered; `verdict` says what was found out about it."""

    model: str
    text: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One prompt and the answers of all models, in their order."""

    prompt_id: str
    reason: str
    heading: str
    about: tuple[str, ...]
    turns: tuple[Turn, ...]
    answers: tuple[Given, ...]

    @property
    def needs_turns(self) -> bool:
        """Whether the heading does not say all of the prompt."""
        return [turn.text for turn in self.turns] != [self.heading]


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    key: tuple[str, str]
    answers: tuple[Response, ...] = field(compare=False)


def chosen_answers(evaluation: Evaluation) -> tuple[Compared, ...]:
    """At most `CHOSEN` prompts, the same every time. Nothing to choose where there is but one model."""
    if len(evaluation.models) < 2:
        return ()
    best: dict[str, list[_Candidate]] = {kind: [] for kind in REASONS}
    for answers in side_by_side(evaluation):
        kind = _kind(answers)
        if kind:
            row = answers[0].row
            insort(best[kind], _Candidate((str(row.get("prompt_id")), str(row.get("set"))), answers))
            del best[kind][CHOSEN:]
    found: list[tuple[str, _Candidate]] = []
    while len(found) < CHOSEN and any(best.values()):
        found += [(kind, waiting.pop(0)) for kind, waiting in best.items() if waiting][: CHOSEN - len(found)]
    found.sort(key=lambda item: list(REASONS).index(item[0]))
    return tuple(_compared(kind, candidate.answers) for kind, candidate in found)


def _kind(answers: tuple[Response, ...]) -> str | None:
    first, last = answers[0], answers[-1]
    if _is_harmful_prompt(first.row):
        if last.harmful:
            return "still"
        if first.harmful:
            return "mended"
        return "refused" if first.refusal == "none" and last.refusal == "full" else None
    if first.refusal == "none" and last.refusal in ("full", "partial"):
        return "lost"
    return "kept" if all(answer.refusal == "none" for answer in answers) else None


def _is_harmful_prompt(row: Any) -> bool:
    told = row.get("harmful_prompt")
    return bool(row.get("hazard")) if told is None else bool(told)


def _compared(kind: str, answers: tuple[Response, ...]) -> Compared:
    row = answers[0].row
    prompt = row.get("prompt")
    messages = [m for m in prompt if isinstance(m, dict)] if isinstance(prompt, list) else []
    turns = tuple(Turn(visible(str(m.get("role", ""))), shown(str(m.get("content", "")))) for m in messages)
    about = [f"prompt {visible(str(row.get('prompt_id')))}", f"set {visible(str(row.get('set')))}"]
    about.append(f"hazard {visible(str(row.get('hazard') or 'none'))}")
    return Compared(
        prompt_id=str(row.get("prompt_id")),
        reason=REASONS[kind],
        heading=in_one_line(turns[-1].text, 90) if turns else "",
        about=tuple(about),
        turns=turns,
        answers=tuple(Given(visible(a.model), shown(a.text), _verdict(a)) for a in answers),
    )


def _verdict(answer: Response) -> str:
    harm = {True: "harmful", False: "harmless", None: ""}[answer.harmful] if _is_harmful_prompt(answer.row) else ""
    refusal = {"none": "no refusal", "partial": "partial refusal", "full": "refusal"}.get(answer.refusal, "")
    return ", ".join(part for part in (harm, refusal) if part)
