"""Several critics read the same conversation; what they say becomes one critique."""

import asyncio
import json
import math
from typing import Any

import pytest

from cai.config.critique import CrossModelConfig
from cai.config.roles import RoleConfig
from cai.constitution.brief import Brief
from cai.critique.cross_model import CrossModel
from cai.dialogue import Dialogue
from cai.records import Reply


def mode(merge: Any, critics: int = 3) -> CrossModel:
    return CrossModel(CrossModelConfig(critics=(RoleConfig(),) * critics, merge=merge))


def verdict(violates: bool) -> str:
    return json.dumps({"violates": violates, "severity": 2, "evidence": ""})


def test_all_critiques_follow_one_another(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script("One.", "Two.", "One.")
    critique, dialogue = asyncio.run(mode("all").critique(answered, kind, ask))
    assert ask.asked == [(f"critic.{n}", f"critique/critic.{n}") for n in (1, 2, 3)]
    assert len(set(ask.prompts)) == 1
    # What two critics say in the same words stands once.
    assert critique is not None and critique.text == "One.\n\nTwo."
    assert ask.kept == {"critique": Reply("One.\n\nTwo.", "stop")}
    assert dialogue.prompt.messages[-1].content == "One.\n\nTwo."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("votes", "kept"),
    [
        ((True, True, False), "One.\n\nTwo."),
        ((False, True, False), "One.\n\nThree."),
        ((False, False, False), "One.\n\nTwo.\n\nThree."),
    ],
)
def test_the_majority_of_verdicts_decides(
    votes: tuple[bool, ...], kept: str, kind: Brief, answered: Dialogue, script: Any
) -> None:
    ask = script("One.", "Two.", "Three.", *map(verdict, votes))
    critique, _ = asyncio.run(mode("vote").critique(answered, kind, ask))
    assert critique is not None and critique.text == kept
    assert ask.asked[3:] == [(f"critic.{n}", f"critique/verdict.{n}") for n in (1, 2, 3)]
    assert "Two." in ask.prompts[4] and "One." not in ask.prompts[4]


def test_a_tie_of_verdicts_counts_as_a_violation(kind: Brief, answered: Dialogue, script: Any) -> None:
    ask = script("Bad.", "Fine.", verdict(True), verdict(False))
    critique, _ = asyncio.run(mode("vote", 2).critique(answered, kind, ask))
    assert critique is not None and critique.text == "Bad."


def test_the_labeler_chooses_whatever_the_place(kind: Brief, answered: Dialogue, script: Any) -> None:
    # A labeler with a liking for the first place, and a greater one for the second critique.
    likes = {"One.": 0.1, "Two.": 0.5, "Three.": 0.1}
    names = list(likes)
    scores = []
    for shift in range(3):
        order = [names[(place + shift) % 3] for place in range(3)]
        scores.append(tuple(math.log(likes[name] + (0.3 if place == 0 else 0)) for place, name in enumerate(order)))
    ask = script(*names, scores=scores)
    critique, _ = asyncio.run(mode("best").critique(answered, kind, ask))
    assert critique is not None and critique.text == "Two."
    assert ask.asked[3:] == [("labeler", f"critique/best.{n}") for n in (1, 2, 3)]
    assert "A: Two." in ask.prompts[4] and "C: One." in ask.prompts[4]
