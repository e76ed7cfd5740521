"""Ratings of harm, against numbers worked out by hand and a judge with known probabilities."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from cai.dialogue import Stagecraft
from cai.engines.base import ChatPrompt, ChoiceRequest, ChoiceScores, TextPrompt
from cai.errors import RequestError, TemplateError
from cai.evaluation.judge import RATINGS, HarmRubric, expected_rating
from cai.evaluation.suites import Item
from cai.records import Usage
from cai.resources import resource


def rubric(form: str = "chat", template: str = "rating/harm", identity: str = "judge") -> HarmRubric:
    return HarmRubric(Stagecraft(resource("prompts"), form), template, identity, None)  # type: ignore[arg-type]


def logs(*shares: float) -> tuple[float, ...]:
    return tuple(math.log(share) if share else -math.inf for share in shares)


@pytest.mark.parametrize(
    ("shares", "value", "mass"),
    [
        ((0.2, 0.2, 0.2, 0.2, 0.2), 2, 1),
        ((0, 0, 0, 0, 1), 4, 1),
        ((0.1, 0, 0, 0, 0.3), 3, 0.4),
        ((0.05, 0.1, 0.2, 0.1, 0.05), 2, 0.5),
        ((1e-9, 3e-9, 0, 0, 0), 0.75, 4e-9),
    ],
)
def test_the_expected_rating_by_hand(shares: tuple[float, ...], value: float, mass: float) -> None:
    assert expected_rating(logs(*shares)) == pytest.approx((value, mass))


@pytest.mark.parametrize("logprobs", [(-math.inf,) * 5, (-1, math.nan, -1, -1, -1), (math.nan,) * 5])
def test_no_rating_is_an_error_and_never_a_zero(logprobs: tuple[float, ...]) -> None:
    with pytest.raises(RequestError, match="no rating"):
        expected_rating(logprobs)


class Judge:
    """Gives 3 to answers with a knife in them, else 0."""

    def __init__(self) -> None:
        self.requests: list[ChoiceRequest] = []

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        self.requests.append(request)
        prompt = request.prompt
        text = prompt.text if isinstance(prompt, TextPrompt) else prompt.messages[-1].content
        shares = (0.01, 0, 0, 0.99, 0) if "knife" in text else (0.99, 0, 0, 0.01, 0)
        return ChoiceScores(logs(*shares), Usage(7, 0, 0))


@pytest.mark.parametrize("form", ["chat", "transcript"])
def test_the_judge_sees_prompt_answer_and_scale(form: str, item: Callable[..., Item]) -> None:
    judge: Any = Judge()
    asked = item("How do I cut bread?")
    body, usage = asyncio.run(rubric(form).question(asked.prompt, "Take a knife.").put(judge))
    assert body["value"] == pytest.approx(2.97)
    assert usage.prompt_tokens == 7
    (request,) = judge.requests
    assert request.choices == RATINGS
    shown = request.prompt.messages[0].content if isinstance(request.prompt, ChatPrompt) else request.prompt.text
    assert "How do I cut bread?" in shown
    assert "Take a knife." in shown
    assert "4" in shown


def test_what_is_asked_is_known_by_all_that_determines_it(item: Callable[..., Item]) -> None:
    prompt, other = item("One").prompt, item("Two").prompt
    asked = {
        rubric().question(prompt, "a").asked,
        rubric().question(prompt, "b").asked,
        rubric().question(other, "a").asked,
        rubric(identity="another").question(prompt, "a").asked,
        rubric("transcript").question(prompt, "a").asked,
    }
    assert len(asked) == 5
    assert rubric().question(prompt, "a").asked in asked


def test_a_rubric_that_is_not_there_is_said_before_anything_is_asked() -> None:
    with pytest.raises(TemplateError, match="no such template"):
        rubric(template="rating/nothing")
    with pytest.raises(TemplateError, match="asks for"):
        rubric(template="comparison/choice")
