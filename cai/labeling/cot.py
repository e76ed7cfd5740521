"""Labels after reasons: the labeler first writes what speaks for each answer, then its choice is scored.

Bai et al. 2022 (chain of thought, clamped) and Lee et al. 2023 (two inferences: the reasons, then the letters). After
its own reasons a model puts almost everything on one letter, so each judgement is clamped.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cai.config.labels import CotLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Dialogue, Stagecraft
from cai.labeling.base import LABELER, Judge
from cai.labeling.choice import first_is_named
from cai.labeling.questions import LETTERS, NEGATED, NEGATED_VALUES, Question, questions_of
from cai.labeling.votes import all_of, combine
from cai.records import Comparison, Label, Vote

REASONS = "comparison/cot"
VERDICT = "comparison/verdict"
_PAIR = ("messages", "response_a", "response_b", "question")


class CotLabels:
    """Asks for reasons, then for the letter, for each principle in both orders.

    Args:
        config: The method's settings.
        craft: Templates.
        seed: Draws which questions are turned round.
        labeler: Who is asked.

    Raises:
        TemplateError: A template is missing, or asks for what it is not given.
    """

    def __init__(self, config: CotLabelConfig, craft: Stagecraft, seed: int, labeler: str = LABELER) -> None:
        craft.library.expect(REASONS, ("examples", *_PAIR) if craft.form == "transcript" else _PAIR)
        craft.library.expect(VERDICT, ("question",))
        craft.library.expect(NEGATED, NEGATED_VALUES)
        self.config = config
        self.roles: tuple[str, ...] = (labeler,)
        self._craft = craft
        self._seed = seed
        self._labeler = labeler
        # As the examples' reasons end: what follows would be the model's own verdict, and settle the choice.
        self._stops = ("\n\n",) if craft.form == "transcript" else ()

    def asked(self, comparison: Comparison, principles: Sequence[Principle]) -> Any:
        """Both requests of every question, the second with nothing in the place of the reasons; and the bounds."""
        requests = [
            [
                *(question.principle_id, question.order, question.negated),
                *(asdict(opened.prompt), list(self._stops)),
                asdict(self._decided(opened, "", question).prompt),
            ]
            for question, opened in self._opened(comparison, principles)
        ]
        return [list(self.config.clamp), *requests]

    async def label(self, comparison: Comparison, principles: Sequence[Principle], judge: Judge) -> Label:
        """Judge a comparison: the mean of the clamped `p_a` over principles and orders.

        Raises:
            RequestError: The judge wrote no reasons, or gave neither letter any probability.
        """
        opened = self._opened(comparison, principles)
        votes = await all_of(self._vote(question, dialogue, judge) for question, dialogue in opened)
        return combine(comparison.id, votes, method="cot")

    def _opened(self, comparison: Comparison, principles: Sequence[Principle]) -> list[tuple[Question, Dialogue]]:
        questions = questions_of(comparison, principles, self.config.negated, self._craft, self._seed)
        return [(question, self._reasoning(question)) for question in questions]

    def _reasoning(self, question: Question) -> Dialogue:
        shown = question.shown
        return self._craft.request(
            REASONS,
            self._craft.reasoned_examples,
            messages=shown.prompt.messages,
            response_a=shown.response_a,
            response_b=shown.response_b,
            question=question.text,
        )

    @staticmethod
    def _decided(opened: Dialogue, rationale: str, question: Question) -> Dialogue:
        return opened.answered(rationale).asked(VERDICT, question=question.text)

    async def _vote(self, question: Question, opened: Dialogue, judge: Judge) -> Vote:
        written = await judge.write(f"{question.name}/reasons", opened.prompt, self._labeler, self._stops)
        decided = self._decided(opened, written.text, question)
        scores = await judge.score(question.name, decided.prompt, LETTERS, self._labeler)
        p_first, mass = first_is_named(*scores.logprobs)
        low, high = self.config.clamp
        return question.vote(min(max(p_first, low), high), mass, self._labeler, written.text)
