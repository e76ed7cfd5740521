"""Loading and rendering of prompt files: headers, errors with their place, values that stay text."""

from pathlib import Path
from typing import Any

import pytest

from cai.errors import TemplateError
from cai.records import Message
from cai.resources import resource
from cai.templates import MAX_RENDERED_CHARS, MAX_TEMPLATE_BYTES, Form, PromptLibrary

EXAMPLE = {
    "messages": (Message("system", "Be kind."), Message("user", "Hi")),
    "answer": "An answer",
    "critique_request": "What is wrong?",
    "critique": "Much.",
    "revision_request": "Mend it.",
    "revision": "Mended",
    "response_a": "One",
    "response_b": "Two",
    "question": "Which?",
    "better": "A",
    "reasons": "One is kinder.",
}
VALUES: dict[str, Any] = {
    "examples": (EXAMPLE,),
    "messages": (Message("user", "Ho"),),
    "critique_request": "Look again.",
    "statement": "Do no harm.",
    "revision_request": "Write again.",
    "constraints": ("Be short.", "Be true."),
    "response": "Five",
    "response_a": "Three",
    "response_b": "Four",
    "question": "Which now?",
    "rule": "Which is kinder?",
    "exchange": 1,
    "hazard": "scams",
    "description": "Messages that trick people.",
    "topic": "scams",
    "seeds": ("Write such a letter.",),
    "request": "Write such a letter.",
    "language": "German",
    "first": "Yes",
    "second": "No",
    "critiques": ({"letter": "A", "text": "It is rude."}, {"letter": "B", "text": "It is fine."}),
}


def library(folder: Path, source: str | bytes, form: Form = "chat") -> PromptLibrary:
    file = folder / "draft" / f"answer.{form}.jinja"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(source.encode() if isinstance(source, str) else source)
    return PromptLibrary(folder, form)


def refusal(folder: Path, source: str | bytes, **values: Any) -> TemplateError:
    with pytest.raises(TemplateError) as refused:
        library(folder, source).render("draft/answer", **values)
    return refused.value


@pytest.mark.parametrize("form", ["chat", "transcript"])
def test_every_shipped_template_renders(form: Form) -> None:
    shipped = PromptLibrary(resource("prompts"), form)
    names = {"draft/answer", "critique/single_turn", "revision/revise", "comparison/choice", "rating/harm"}
    assert names < set(shipped.names)
    for name in shipped.names:
        text = shipped.render(name, **VALUES)
        assert "{" not in text
        assert "#" not in text
        assert text == text.strip("\n")
        # A transcript's next word must follow with a space of its own: two spaces would be other tokens.
        assert not text.endswith(" ")
    revise = shipped.render("revision/revise", **VALUES)
    assert "Write again. Be short. Be true.\n" in revise
    without = shipped.render("revision/revise", **{**VALUES, "constraints": ()})
    assert "Write again.\n" in without


def test_both_forms_ship_the_same_templates() -> None:
    chat, transcript = (PromptLibrary(resource("prompts"), form) for form in ("chat", "transcript"))
    assert chat.names == transcript.names
    assert chat.fingerprint() != transcript.fingerprint()


def test_variables_must_be_declared_and_used(tmp_path: Path) -> None:
    missing = refusal(tmp_path, "{# variables: a #}\n{{ a }} {{ b }} {{ c }}")
    assert missing.what == "uses b, c without declaring it"
    idle = refusal(tmp_path, "{# variables: a, z #}\n{{ a }}")
    assert idle.what == "declares z without using it"
    both = refusal(tmp_path, "{# variables: z #}\n{{ a }}")
    assert both.what == "uses a without declaring it; declares z without using it"
    assert both.where == f"{tmp_path}/draft/answer.chat.jinja:1"
    assert both.fix == "correct the variables comment"
    assert library(tmp_path, "{#- variables: a -#}\n{% for b in a %}{{ b }}{% endfor %}").render("draft/answer", a="ab")


@pytest.mark.parametrize("source", ["", "Hi", "{{ a }}", " {# variables: #}", "{# a comment #}{# variables: #}"])
def test_a_header_must_come_first(tmp_path: Path, source: str) -> None:
    refused = refusal(tmp_path, source)
    assert refused.what == "does not begin with a comment that names its variables"
    assert refused.where is not None
    assert refused.where.endswith("answer.chat.jinja:1")


def test_bad_jinja_is_reported_with_its_line(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "{# variables: a #}\n{{ a }}\n{% if a %}\n{{ a }")
    assert refused.what.startswith("is not valid Jinja: ")
    assert refused.where == f"{tmp_path}/draft/answer.chat.jinja:4"


def test_a_missing_value_is_an_error(tmp_path: Path) -> None:
    assert refusal(tmp_path, "{# variables: a #}\n{{ a }}").what == "a value is missing: 'a' is undefined"
    assert "no attribute 'x'" in refusal(tmp_path, "{# variables: a #}\n{{ a.x }}", a="text").what
    assert refusal(tmp_path, "{# variables: a #}\n{% for b in a %}{% endfor %}").what.startswith("a value is missing")
    assert refusal(tmp_path, "{# variables: a #}\n{% if a %}{% endif %}").what.startswith("a value is missing")


def test_values_stay_text(tmp_path: Path) -> None:
    nasty = "{{ 7 * 7 }}{% include 'x' %}{# gone #}<|im_start|>&amp; \\n"
    text = library(tmp_path, "{# variables: a #}\n[{{ a }}]").render("draft/answer", a=nasty)
    assert text == f"[{nasty}]"


def test_the_output_is_bounded(tmp_path: Path) -> None:
    just = library(tmp_path, "{# variables: a #}\n{{ a }}")
    assert len(just.render("draft/answer", a="x" * MAX_RENDERED_CHARS)) == MAX_RENDERED_CHARS
    with pytest.raises(TemplateError, match="renders to over 1000000 characters"):
        just.render("draft/answer", a="x" * (MAX_RENDERED_CHARS + 1))


def test_a_file_is_bounded_and_utf8(tmp_path: Path) -> None:
    header = "{# variables: #}"
    assert library(tmp_path, header + "x" * (MAX_TEMPLATE_BYTES - len(header))).names == ("draft/answer",)
    assert "over 65536" in refusal(tmp_path, header + "x" * MAX_TEMPLATE_BYTES).what
    assert refusal(tmp_path, b"{# variables: #}\n\xff").what.startswith("cannot be read")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"no folder of prompts .*prompts_dir"):
        PromptLibrary(tmp_path / "none", "chat")
    some = library(tmp_path, "{# variables: #}\nHi")
    with pytest.raises(TemplateError, match=r"no such template \(this folder has draft/answer\)"):
        some.render("draft/other")
    with pytest.raises(TemplateError, match="this folder has no template of this form"):
        PromptLibrary(tmp_path, "transcript").render("draft/answer")


def test_values_are_agreed_on_before_a_run(tmp_path: Path) -> None:
    some = library(tmp_path, "{# variables: a, b #}\n{{ a }}{{ b }}")
    some.expect("draft/answer", ("b", "c", "a"))
    with pytest.raises(TemplateError, match="asks for b, but is given a, c"):
        some.expect("draft/answer", ("c", "a"))
    with pytest.raises(TemplateError, match="asks for a, b, but is given no values"):
        some.expect("draft/answer", ())
    with pytest.raises(TemplateError, match="no such template"):
        some.expect("draft/none", ())


def test_the_fingerprint_is_of_every_text_and_name(tmp_path: Path) -> None:
    def of(text: str) -> str:
        return library(tmp_path, "{# variables: #}" + text).fingerprint()

    first = of("a")
    assert first == of("a") != of("b")
    before = of("a")
    (tmp_path / "draft" / "more.chat.jinja").write_text("{# variables: #}")
    assert of("a") != before
    (tmp_path / "draft" / "more.chat.jinja").rename(tmp_path / "draft" / "more.transcript.jinja")
    assert of("a") == before
    assert len(before) == 16
