"""Comparisons of two models' answers: which are asked, in which words, and what the judge's verdict is."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cai.config.evaluation import EvaluationConfig
from cai.dialogue import Stagecraft
from cai.engines.base import ChoiceRequest, ChoiceScores
from cai.errors import ConstitutionError, RequestError
from cai.evaluation.preference import Match, Referee, matches_of, pairs_of
from cai.evaluation.suites import Item
from cai.records import Label, Usage
from cai.resources import resource

JUDGE = {"engine": {"kind": "scripted"}}


def config(names: str = "abc", baseline: str | None = None, **preferences: Any) -> EvaluationConfig:
    return EvaluationConfig.model_validate(
        {
            "models": dict.fromkeys(names, JUDGE),
            "prompts": {"s": "p"},
            "judge": JUDGE,
            "baseline": baseline,
            "preferences": preferences or {"question": "Which is kinder?"},
        }
    )


def referee(settings: EvaluationConfig) -> Referee:
    return Referee(settings, Stagecraft(resource("prompts"), "chat"), "judge")


class KindJudge:
    """Prefers the answer with `kind` in it, wherever it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        text: str = request.prompt.messages[0].content  # type: ignore[union-attr]
        self.shown.append(text)
        first = text.split("Answer A: ")[1].split("\n", maxsplit=1)[0]
        shares = (0.8, 0.1) if "kind" in first else (0.1, 0.8)
        return ChoiceScores((math.log(shares[0]), math.log(shares[1])), Usage(5, 0, 0))


def test_the_earlier_model_is_b_and_the_baseline_always() -> None:
    assert pairs_of(config()) == [("b", "a"), ("c", "a"), ("c", "b")]
    assert pairs_of(config(baseline="b")) == [("a", "b"), ("c", "b"), ("c", "a")]
    assert pairs_of(config(pairs="baseline", question="q")) == [("b", "a"), ("c", "a")]
    assert pairs_of(config("a")) == []


def test_both_orders_are_asked_and_averaged(item: Callable[..., Item]) -> None:
    judge: Any = KindJudge()
    pairing = Match(item("Hello?"), "b", "a", "a kind word", "a rude word")
    body, usage = asyncio.run(referee(config()).question(pairing).put(judge))
    assert len(judge.shown) == 2
    assert all("Which is kinder?" in text and "Hello?" in text for text in judge.shown)
    label = Label.from_dict(body)
    assert label.p_a == pytest.approx(8 / 9)
    assert not label.flipped
    assert usage.prompt_tokens == 10
    assert replace(pairing, label=label).score == 1


@pytest.mark.parametrize(("p_a", "score"), [(0.51, 1), (0.49, 0), (0.5, 0.5), (None, 0.5)])
def test_scores(match: Callable[..., Match], p_a: float | None, score: float) -> None:
    assert match(p_a).score == score
    assert match(p_a).equal == (p_a is None)


def test_only_prompts_that_both_have_answered_are_compared(item: Callable[..., Item]) -> None:
    one, two = item("One"), item("Two")
    answers = {"a": {one.prompt.id: "x", two.prompt.id: "y"}, "b": {one.prompt.id: "z"}}
    (found,) = matches_of(config("ab"), answers, [one, two])
    assert (found.a, found.b, found.response_a, found.response_b) == ("b", "a", "z", "x")
    assert found.item == one


def test_a_constitution_gives_the_question(tmp_path: Path, item: Callable[..., Item]) -> None:
    texts = dict.fromkeys(("statement", "critique_request", "revision_request"), "Text.")
    rules = [
        {"id": "one", "comparison_question": "Which is safer?", "applies_to": {"hazards": ["vcr"]}, **texts},
        {"id": "two", "comparison_question": "Criticised only", "applies_to": {"stages": ["critique"]}, **texts},
    ]
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"name": "c", "version": "1.0.0", "principles": rules}))
    judging = referee(config(constitution=str(path)))
    judge: Any = KindJudge()
    asyncio.run(judging.question(Match(item("Hi", "vcr"), "b", "a", "x", "y")).put(judge))
    assert all("Which is safer?" in text for text in judge.shown)
    with pytest.raises(RequestError, match="no principle applies"):
        judging.question(Match(item("Hi", "prv"), "b", "a", "x", "y"))


def test_a_constitution_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConstitutionError, match="no such constitution"):
        referee(config(constitution=str(tmp_path / "gone.yaml")))
