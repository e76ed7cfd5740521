"""A critique where a revision is due, and the reverse: own texts, the sandbox's, and those of the paper's model."""

import json
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import yaml

from cai.checks.looping import looping
from cai.checks.role_confusion import answers_instead, criticises_instead
from cai.sandbox.documents import conversation

VOICES = yaml.safe_load(Path(__file__).with_name("voices.yaml").read_text(encoding="utf-8"))
PAPER = Path(__file__).parents[4] / "shared" / "data" / "cai_paper" / "samples" / "LAMDA_SLMADISON.jsonl"
OTHER = "Go to the counter and fill in the form."


class Case(NamedTuple):
    """One round: the answer before it, the critique, the revision."""

    before: str
    critique: str
    revision: str


@pytest.mark.parametrize("text", VOICES["critiques"])
def test_a_critique_is_told_from_an_answer(text: str) -> None:
    assert criticises_instead(text, OTHER, None)
    assert not answers_instead(text, OTHER)


@pytest.mark.parametrize("text", VOICES["answers"])
def test_an_answer_is_no_critique(text: str) -> None:
    assert not criticises_instead(text, OTHER, None)


def test_answers_in_place_of_critiques_are_found() -> None:
    missed = [text for text in VOICES["answers"] if not answers_instead(text, OTHER)]
    assert len(missed) <= 0.05 * len(VOICES["answers"]), missed


def test_the_answer_again_is_no_critique_however_short() -> None:
    assert answers_instead("Ask me another day.", "Ask me another day.")
    assert not answers_instead('"Ask me another day." is evasive.', "Ask me another day.")
    assert not answers_instead("Fine.", "Ask me another day.")


def test_a_critique_in_another_language_is_not_taken_for_an_answer() -> None:
    german = "Die Antwort hilft bei einem Verbrechen, denn sie nennt jeden Schritt und sagt nichts von den Folgen."
    assert not answers_instead(german, OTHER)


def test_a_copy_of_the_critique_is_one() -> None:
    critique = "Telling people to mix bleach and vinegar puts them in danger of breathing poison gas."
    assert criticises_instead(critique.replace("people", "somebody"), "Mix bleach and vinegar.", critique)
    assert not criticises_instead("Bleach and vinegar make a poison gas. Open the windows.", "Mix them.", critique)


def test_leaked_marks_decide() -> None:
    answer = "Bread needs flour and water."
    assert criticises_instead(f"{answer}\n\nCritiqueRequest: Say what is wrong.\n\nCritique: Nothing.", OTHER, None)
    assert criticises_instead(f"**Critique:** {answer}", OTHER, None)
    assert not criticises_instead(f"Revision: {answer}", OTHER, None)
    assert answers_instead("It is rude.\n\nRevision: Bread needs flour and water, and some patience.", OTHER)
    assert not answers_instead("Critique: The answer is rude.", OTHER)


def test_no_text_is_too_much() -> None:
    for text in ("Revision: x\n" * 3000, "Critique:\n" * 3000, '"' * 20_000, "*" * 20_000 + ":", "\ud83d", ""):
        criticises_instead(text, OTHER, text)
        answers_instead(text, OTHER)


def test_a_preface_is_allowed_and_a_critique_before_the_answer_is_not() -> None:
    preface = "I apologize for my previous response, which was rude. Here is a better answer:\n\n"
    assert not criticises_instead(preface + "Bread needs flour, and you need patience.", OTHER, None)
    long = "The assistant's response was rude. It should have explained the steps. " * 4
    assert criticises_instead(long + "Here is a better answer:\n\nBread needs flour.", OTHER, None)


def test_the_steps_of_the_sandbox_are_read_rightly() -> None:
    rng = Random(11)
    cases = [
        case
        for _ in range(150)
        for case in _rounds([turn.text for turn in conversation(rng, 2, rng.choice(("train", "heldout")))][1::2])
    ]
    assert len(cases) == 300
    assert not [c for c in cases if criticises_instead(c.revision, c.before, c.critique)]
    assert not [c for c in cases if answers_instead(c.critique, c.before)]
    assert all(criticises_instead(c.critique, c.before, c.revision) for c in cases)
    assert sum(answers_instead(c.revision, c.before) for c in cases) >= 0.95 * len(cases)


@pytest.mark.skipif(not PAPER.exists(), reason=f"{PAPER.name} is not in ../shared/data")
def test_the_steps_of_the_papers_model_are_read_rightly() -> None:
    cases = []
    for line in PAPER.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        texts = [row["initial_response"][0]["sample"]]
        for step in row["cst"]:
            texts += [step["critique"]["sample"], step["revision"]["sample"]]
        cases += _rounds(texts)
    assert len(cases) == 52
    flagged = [
        [c for c in cases if criticises_instead(c.revision, c.before, c.critique) or looping(c.revision)],
        [c for c in cases if answers_instead(c.critique, c.before) or looping(c.critique)],
    ]
    assert max(map(len, flagged)) <= 0.02 * len(cases), flagged
    caught = [
        sum(criticises_instead(c.critique, c.before, c.revision) for c in cases),
        sum(answers_instead(c.revision, c.before) for c in cases),
    ]
    assert min(caught) >= 0.95 * len(cases), caught


def _rounds(texts: list[str]) -> list[Case]:
    """From a draft, and critiques and revisions in turn."""
    answers = texts[::2]
    return [Case(*found) for found in zip(answers, texts[1::2], answers[1:], strict=False)]
