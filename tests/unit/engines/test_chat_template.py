"""The template's own text and the text of messages stay apart, whatever the template does with them."""

import pytest

from cai.engines.base import ChatPrompt
from cai.engines.chat_template import ChatTemplate, Segment
from cai.errors import EngineError, RequestError
from cai.records import Message

USER = ChatPrompt((Message("user", "  hi there \n"),))


def segments(source: str, prompt: ChatPrompt = USER) -> list[tuple[str, bool]]:
    return [tuple(segment) for segment in ChatTemplate(source, {"bos_token": "<s>"}, "template").segments(prompt)]


def text(source: str, prompt: ChatPrompt = USER) -> str:
    return "".join(part for part, _ in segments(source, prompt))


def test_contents_are_told_apart_from_the_template() -> None:
    source = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</{{ m.role }}>{% endfor %}"
    assert segments(source) == [("<s><user>", True), ("hi there", False), ("</user>", True)]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("m.content", "  hi there \n"),
        ("m['content'] | trim", "hi there"),
        ("m.content.strip()", "hi there"),
        ("m.content.lstrip('\\n')", "  hi there \n"),
        ("m.content.rstrip('\\n')", "  hi there "),
        ("m.content.split('</think>')[-1].lstrip()", "hi there \n"),
        ("m.content if m.content is string else ''", "  hi there \n"),
        ("m.content ~ m.content", "  hi there \n  hi there \n"),
    ],
)
def test_what_a_template_does_with_white_space_is_done(expression: str, wanted: str) -> None:
    assert text("{% for m in messages %}{{ " + expression + " }}{% endfor %}") == wanted


def test_empty_contents_stay_empty_for_templates_that_ask() -> None:
    source = "{% for m in messages %}{% if m.content %}[{{ m.content }}]{% else %}none{% endif %}{% endfor %}"
    assert text(source, ChatPrompt((Message("user", ""),))) == "none"


def test_a_template_that_leaves_a_message_out_is_followed() -> None:
    assert text("x{{ messages[0].content[:0] }}") == "x"


def test_contents_are_never_run_as_a_template() -> None:
    hostile = ChatPrompt((Message("user", "{{ 7 * 7 }}{% raw %}"),))
    assert text("{{ messages[0].content }}", hostile) == "{{ 7 * 7 }}{% raw %}"


def test_the_day_is_fixed_and_blocks_for_training_are_rendered() -> None:
    assert text("{{ strftime_now('%d %b %Y') }}") == "26 Jul 2024"
    assert text("a{% generation %}b{% set x = 1 %}c{% endgeneration %}d") == "abcd"
    assert text("{% for m in [1, 2, 3] %}{% if m == 2 %}{% break %}{% endif %}{{ m }}{% endfor %}") == "1"
    assert text("{{ {'a': '<é>'} | tojson }}") == '{"a": "<é>"}'


def test_a_prefill_goes_where_the_template_puts_an_answer() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'assistant' %} ->  {{ m.content }}</s>{% else %}{{ m.content }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %} ->{% endif %}"
    )
    prompt = ChatPrompt((Message("user", "hi"),), prefill="The answer: ")
    assert segments(source, prompt) == [("hi", False), (" ->  ", True), ("The answer:", False), (" ", False)]


def test_a_prefill_follows_the_generation_prompt_where_the_template_refuses_an_answer() -> None:
    source = (
        "{% if messages[-1].role == 'assistant' %}{{ raise_exception('no') }}{% endif %}{{ messages[0].content }}"
        "{% if add_generation_prompt %} ->{% endif %}"
    )
    prompt = ChatPrompt((Message("user", "hi"),), prefill="A")
    assert segments(source, prompt) == [("hi", False), (" ->", True), ("A", False)]


def test_the_templates_own_message_reaches_the_user() -> None:
    with pytest.raises(RequestError, match="only two turns, please") as caught:
        segments("{{ raise_exception('only two turns, please') }}")
    assert caught.value.where == "template"


@pytest.mark.parametrize("source", ["{{ 1 + messages[0].content }}", "{{ messages[9].content.x }}", "{{ 1 / 0 }}"])
def test_a_template_that_fails_fails_the_request(source: str) -> None:
    with pytest.raises(RequestError, match="chat template"):
        segments(source)


def test_a_template_cannot_reach_out_or_run_on() -> None:
    with pytest.raises(RequestError):
        segments("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(RequestError, match="without end"):
        segments("{% for i in range(90000) %}{% for j in range(90000) %}" + "x" * 999 + "{% endfor %}{% endfor %}")


def test_a_template_that_is_not_jinja_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="not valid"):
        ChatTemplate("{% for %}", {}, "template")


def test_segments_name_their_origin() -> None:
    assert Segment("x", True).trusted
