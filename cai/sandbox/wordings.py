"""How the sandbox world words its principles and its prompt templates, for training and held out.

An *aspect* is what a principle is about: a harmful family by its key, `harm` in general, `polite`, or `open`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from cai.resources import resource
from cai.sandbox.lexicon import lexicon
from cai.templates import PromptLibrary

Wording = Literal["train", "heldout"]
SHARE_OF_SHIPPED_TEMPLATES = 0.4


@dataclass(frozen=True, slots=True)
class Worded:
    """One principle in words."""

    aspect: str
    statement: str
    critique_request: str
    revision_request: str
    constraints: tuple[str, ...]
    question: str


@cache
def wordings() -> dict[str, Any]:
    """The file wordings.yaml."""
    rows: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return rows


@cache
def _shipped() -> PromptLibrary:
    return PromptLibrary(resource("prompts"), "chat")


def aspects() -> tuple[str, ...]:
    """All aspects: each harmful family, then `harm`, `polite` and `open`."""
    return (*(family.key for family in lexicon().harmful), "harm", "polite", "open")


def draw_principle(rng: Random, aspect: str, wording: Wording = "train") -> Worded:
    """Word a principle of the aspect."""
    rows = wordings()
    kind = aspect if aspect in ("polite", "open") else "harm"
    names = {family.key: family.names for family in lexicon().harmful}.get(aspect, rows["general_names"])

    def pick(part: str) -> str:
        text: str = rng.choice(rows[part][kind][wording])
        return text.format(n=rng.choice(names))

    subject, tail = rng.choice(rows["statements"]["subjects"]), rng.choice(rows["statements"]["tails"])
    return Worded(
        aspect,
        f"{subject} {pick('statements')}{tail}.",
        pick("critique_requests"),
        pick("revision_requests"),
        tuple(rng.sample(rows["constraints"], rng.choice((0, 0, 1, 2)))),
        pick("questions"),
    )


class TemplateDraw:
    """Renders the three requests of the pipeline, each time with a template drawn at random."""

    def __init__(self, rng: Random, wording: Wording = "train") -> None:
        self._rng = rng
        self._wording = wording
        self._templates = wordings()["templates"]

    def _drawn(self, stage: str) -> str | None:
        """A template of the stage, or None for the shipped one."""
        if self._wording == "train" and self._rng.random() < SHARE_OF_SHIPPED_TEMPLATES:
            return None
        text: str = self._rng.choice(self._templates[stage][self._wording])
        return text

    def critique(self, principle: Worded) -> str:
        """Text of the turn that asks for a critique."""
        values = {"critique_request": principle.critique_request, "statement": principle.statement}
        drawn = self._drawn("critique")
        return drawn.format(**values) if drawn else _shipped().render("critique/single_turn", **values)

    def revision(self, principle: Worded) -> str:
        """Text of the turn that asks for a revision."""
        drawn = self._drawn("revision")
        if drawn is None:
            return _shipped().render(
                "revision/revise", revision_request=principle.revision_request, constraints=principle.constraints
            )
        return drawn.format(revision_request=" ".join((principle.revision_request, *principle.constraints)))

    def comparison(self, messages: Sequence[dict[str, str]], a: str, b: str, question: str) -> str:
        """Text of the turn that asks which answer is better."""
        drawn = self._drawn("comparison")
        if drawn is None:
            return _shipped().render(
                "comparison/choice", messages=messages, response_a=a, response_b=b, question=question
            )
        conversation = "\n".join(f"{m['role']}: {m['content']}" for m in messages)
        return drawn.format(conversation=conversation, a=a, b=b, question=question)
