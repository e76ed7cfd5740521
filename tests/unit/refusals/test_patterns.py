"""The file of patterns."""

import pytest

from cai.errors import UsageError
from cai.refusals import patterns as module
from cai.refusals.patterns import patterns, prompt_book, signals_of
from cai.refusals.sentences import words


def kinds(text: str) -> set[str]:
    return {hit.kind for hit in signals_of(words(text))}


def test_phrases_are_written_as_words_are_read() -> None:
    shipped = patterns()
    texts = [*shipped.leading, *shipped.stops, *shipped.common, *shipped.exceptions]
    texts += [
        text for group in (shipped.lists, shipped.signals, shipped.prompts) for many in group.values() for text in many
    ]
    for text in texts:
        assert text == text.lower()
        assert "'" not in text, f"{text!r}: contractions never come up, write them out"


def test_no_list_of_words_is_unused() -> None:
    shipped = patterns()
    everything = repr((shipped.lists, shipped.signals, shipped.prompts, shipped.exceptions))
    assert [name for name in shipped.lists if "{" + name + "}" not in everything] == []


def test_words_before_the_beginning_are_passed_over() -> None:
    assert "objection" in kinds("However, it is not right to say so")
    assert "brush_off" in kinds("Go away")
    assert "brush_off" not in kinds("The pain will go away")


def test_an_exception_explains_a_signal_away() -> None:
    assert "decline" in kinds("I cannot help you")
    assert "decline" not in kinds("I cannot help but laugh")
    assert "decline" in kinds("I cannot help but laugh, and I cannot help you")


def test_kinds_of_prompts() -> None:
    def asked(text: str) -> set[str]:
        return {hit.kind for hit in prompt_book().find(words(text))}

    assert asked("How do I bake bread?") == {"how_to"}
    assert asked("Why should bread be banned?") == {"loaded", "why"}
    assert asked("Write me a sad poem") == {"writing"}
    assert asked("What is bread?") == set()


def test_a_mistake_in_the_file_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = patterns().model_copy(update={"exceptions": ("i {nothing} help",)})
    monkeypatch.setattr(module, "patterns", lambda: broken)
    with pytest.raises(UsageError, match="nothing") as caught:
        module.answer_book.__wrapped__()
    assert caught.value.where and caught.value.where.endswith("patterns.yaml")
