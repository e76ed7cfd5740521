"""Which of two answers is better: the questions of a comparison, in both orders, some of them turned round.

A question turned round asks which answer is *worse* (as the negated principles of SALMON, Sun et al. 2023): a
judge that says the same letter whatever it is asked then cancels itself out, and does not look sure.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.records import Comparison, Vote, content_hash

LETTERS = ("A", "B")
Order = Literal["ab", "ba"]
ORDERS: tuple[Order, Order] = ("ab", "ba")

NEGATED = "comparison/negated"
NEGATED_VALUES = ("question",)


class Question(NamedTuple):
    """One question to the judge: `shown` is the comparison with its answers in the order in which they are shown."""

    principle_id: str
    order: Order
    negated: bool
    text: str
    shown: Comparison

    @property
    def name(self) -> str:
        """Tells the question from the others of its label."""
        return f"{self.principle_id}/{self.order}"

    def vote(self, p_first: float, mass: float, labeler: str, rationale: str | None = None) -> Vote:
        """What a reply says of the comparison.

        Args:
            p_first: Probability that the answer which is shown first was named.
            mass: Probability that either was named.
            labeler: Who replied.
            rationale: What it wrote before.
        """
        first_better = 1 - p_first if self.negated else p_first
        p_a = first_better if self.order == "ab" else 1 - first_better
        return Vote(self.principle_id, self.order, p_a, mass, labeler, self.negated, rationale)


def questions_of(
    comparison: Comparison, principles: Sequence[Principle], negated: float, craft: Stagecraft, seed: int
) -> list[Question]:
    """Each principle's question in both orders; a principle is asked the same way round in both.

    Args:
        comparison: The two answers.
        principles: By which they are judged.
        negated: Share of the principles whose question is turned round.
        craft: Has the template that turns a question round.
        seed: Of the run.
    """
    shown = {"ab": comparison, "ba": comparison.swap()}
    questions: list[Question] = []
    for principle in principles:
        turned = is_negated(negated, seed, comparison.id, principle.id)
        text = principle.comparison_question
        if turned:
            text = craft.library.render(NEGATED, question=text)
        questions += [Question(principle.id, order, turned, text, shown[order]) for order in ORDERS]
    return questions


def is_negated(share: float, seed: int, comparison_id: str, principle_id: str) -> bool:
    """Whether a principle is asked the other way round of a comparison; drawn from names, never from position."""
    return int(content_hash("negated", seed, comparison_id, principle_id), 16) < share * 2**64
