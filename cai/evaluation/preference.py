"""Which of two models' answers is better: every prompt's two answers before a judge, in both orders.

The question is put by the label method of the pipeline. What follows from the verdicts is `win_rate` and `ratings`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from cai.config.evaluation import EvaluationConfig
from cai.config.labels import ChoiceLabelConfig
from cai.config.roles import RoleConfig
from cai.constitution.load import load_constitution
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import Engine
from cai.evaluation.asking import Question
from cai.evaluation.suites import Item
from cai.labeling.base import LABELER
from cai.labeling.build import build_labels
from cai.labeling.engine_judge import EngineJudge
from cai.labeling.principles import comparison_principles, question_alone
from cai.records import Comparison, Label, Usage, content_hash
from cai.resources import find


@dataclass(frozen=True, slots=True)
class Match:
    """The answers of two models, A and B, to one prompt; `label` is what the judge said, if it was asked."""

    item: Item
    a: str
    b: str
    response_a: str
    response_b: str
    label: Label | None = None

    @property
    def equal(self) -> bool:
        """Whether there is nothing to judge; such a match is a tie."""
        return self.response_a == self.response_b

    @property
    def score(self) -> float:
        """1 if A won, 0 if B did, one half for a tie."""
        if self.label is None or self.label.p_a == 0.5:
            return 0.5
        return float(self.label.p_a > 0.5)


class Referee:
    """Asks the judge about matches.

    Args:
        config: The settings; `preferences` names a constitution or a question.
        craft: Templates, in the judge's form.
        identity: The judge's.

    Raises:
        ConstitutionError: The constitution is missing or not valid.
        TemplateError: A template is missing or not valid.
    """

    def __init__(self, config: EvaluationConfig, craft: Stagecraft, identity: str) -> None:
        self._config = config
        self._identity = identity
        self._role = RoleConfig(adapter=config.judge.adapter if config.judge else None)
        self._principles = _principles(config)
        self._labels = build_labels(ChoiceLabelConfig(principles=config.preferences.principles), craft, config.seed)

    def question(self, match: Match) -> Question:
        """Ask which answer is better.

        Raises:
            RequestError: No principle applies to the prompt.
            TemplateError: Prompt and answers are too long together.
        """
        prompt = match.item.prompt
        pair = Comparison(prompt, match.response_a, match.response_b, "sampled")
        principles = comparison_principles(
            self._principles, prompt, self._config.seed, self._config.preferences.principles
        )
        asked = content_hash(self._identity, self._labels.asked(pair, principles))

        async def put(engine: Engine) -> tuple[dict[str, Any], Usage]:
            judge = EngineJudge(
                f"{prompt.id}/preference", self._config.seed, {LABELER: self._role}, {self._role.engine: engine}
            )
            label = await self._labels.label(pair, principles, judge)
            return label.to_dict(), judge.usage

        return Question(prompt.id, "preference", asked, put)


def _principles(config: EvaluationConfig) -> tuple[Principle, ...]:
    asked = config.preferences
    if asked.question is not None:
        return question_alone(asked.question)
    return load_constitution(find(asked.constitution or "", "constitution")).principles


def pairs_of(config: EvaluationConfig) -> list[tuple[str, str]]:
    """(A, B) for every two models that are compared: B is the earlier of the two, and the baseline always."""
    names = [config.base, *(name for name in config.models if name != config.base)]
    pairs = [(later, earlier) for earlier, later in combinations(names, 2)]
    return [pair for pair in pairs if config.preferences.pairs == "all" or config.base in pair]


def matches_of(
    config: EvaluationConfig, answers: Mapping[str, Mapping[str, str]], items: Sequence[Item]
) -> list[Match]:
    """Every match: two models that are compared, and a prompt that both have answered.

    Args:
        config: The settings.
        answers: Of each model by its name, by prompt id.
        items: The prompts of all sets.
    """
    return [
        Match(item, a, b, answers[a][item.prompt.id], answers[b][item.prompt.id])
        for a, b in pairs_of(config)
        for item in items
        if item.prompt.id in answers[a] and item.prompt.id in answers[b]
    ]
