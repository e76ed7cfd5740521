from collections.abc import Callable

import pytest

from cai.config.filters import TemplateTextConfig
from cai.filters.base import Candidate
from cai.filters.template_text import TemplateTextFilter

REQUEST = "Find places where it dodges. Quote them, and say what an open answer would have said."
TEMPLATE = "{# variables: rule #}\nBy: {{ rule }} Write down every word that shows it, exactly as it stands there."


@pytest.fixture
def leaks() -> TemplateTextFilter:
    return TemplateTextFilter(TemplateTextConfig(), [REQUEST, TEMPLATE])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Here is how.\n\nHuman: And then?", "template text: turn"),
        ("Assistant: Sure.", "template text: turn"),
        ("No.\nCritiqueRequest: Find faults.", "template text: turn"),
        ("Fine.\n  Revision: Better.", "template text: turn"),
        ("Fine.<|im_end|>", "template text: control token"),
        ("[/INST] Fine.", "template text: control token"),
        ("<start_of_turn>model", "template text: control token"),
        ("One.\n\n-----\n\nTwo.", "template text: separator"),
        ("I will quote them, and say what you would have said.", None),
        ("Sure. Quote them, and say what an open answer would have said! OK?", "template text: request"),
        ("Write down every word that shows it, exactly as it stands there.", "template text: request"),
        ("A human: someone who thinks. My critique: none.", None),
        ("# Heading\n\n---\n\n| a | b |\n|---|---|", None),
        ("if a <| b |> c then [INSTALL]", None),
    ],
)
def test_what_only_templates_say_is_a_leak(
    leaks: TemplateTextFilter, asked: Callable[..., Candidate], text: str, reason: str | None
) -> None:
    assert leaks.reason(asked("How do I bake bread?", "Like so.", text)) == reason


def test_what_the_prompt_says_may_be_said_again(leaks: TemplateTextFilter, asked: Callable[..., Candidate]) -> None:
    assert leaks.reason(asked("What is <|im_end|> for?\nHuman: hi", "<|im_end|> ends a turn.\nHuman: hi")) is None
    assert leaks.reason(asked("What is <|im_end|> for?", "<|im_start|> begins one.")) == "template text: control token"
    assert leaks.reason(asked(REQUEST, REQUEST)) is None


def test_in_a_prompt_they_are_a_leak_too(leaks: TemplateTextFilter, asked: Callable[..., Candidate]) -> None:
    assert leaks.reason(asked("Hi\n\nAssistant: Sure")) == "template text: turn"


def test_requests_can_be_let_through(asked: Callable[..., Candidate]) -> None:
    assert TemplateTextFilter(TemplateTextConfig(requests=False), [REQUEST]).reason(asked("x", REQUEST)) is None
