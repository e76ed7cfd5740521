"""Both forms of a conversation: their order, their stops, and that each step only appends."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cai.dialogue import Dialogue, Stagecraft
from cai.engines.base import ChatPrompt, TextPrompt
from cai.errors import TemplateError
from cai.records import Message
from cai.resources import resource
from cai.templates import Form

TURNS = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Tell me."))
MARKS = ("Human:", "Assistant:", "CritiqueRequest:", "Critique:", "RevisionRequest:", "Revision:")


def craft(form: Form, prompts: Path | None = None) -> Stagecraft:
    return Stagecraft(prompts or resource("prompts"), form)


def grown(form: Form, rounds: int = 2) -> Iterator[Dialogue]:
    """The dialogue at each step at which the model writes."""
    dialogue = craft(form).opened(TURNS)
    yield dialogue
    dialogue = dialogue.answered("Draft.")
    for index in range(rounds):
        dialogue = dialogue.asked("critique/single_turn", critique_request=f"Wrong {index}?", statement="Be good.")
        yield dialogue
        dialogue = dialogue.answered(f"Much {index}.")
        dialogue = dialogue.asked("revision/revise", revision_request=f"Mend {index}.", constraints=("Be short.",))
        yield dialogue
        dialogue = dialogue.answered(f"Mended {index}.")


def test_each_chat_prompt_extends_the_one_before() -> None:
    prompts = [dialogue.prompt for dialogue in grown("chat")]
    assert len(prompts) == 5
    for before, after in itertools.pairwise(prompts):
        assert isinstance(before, ChatPrompt)
        assert isinstance(after, ChatPrompt)
        assert after.messages[: len(before.messages)] == before.messages
        assert [m.role for m in after.messages[len(before.messages) :]] == ["assistant", "user"]
    assert prompts[0] == ChatPrompt(TURNS)


def test_each_transcript_extends_the_one_before() -> None:
    prompts = [dialogue.prompt for dialogue in grown("transcript")]
    for before, after in itertools.pairwise(prompts):
        assert isinstance(before, TextPrompt)
        assert isinstance(after, TextPrompt)
        # The space before the answer belongs to the answer's first token.
        assert after.text.startswith(before.text + " ")
        assert before.text.endswith(":")


def test_a_transcript_has_the_paper_s_order() -> None:
    dialogue = list(grown("transcript", rounds=1))[-1].answered("End.")
    assert isinstance(dialogue.prompt, TextPrompt)
    *examples, own = dialogue.prompt.text.split("\n\n-----\n\n")
    marks = [line.split()[0] for line in own.split("\n\n")]
    assert marks == ["Human:", "Assistant:", *MARKS]
    assert own.startswith("Human: Hi\n\nAssistant: Hello\n\nHuman: Tell me.\n\nAssistant: Draft.\n\nCritiqueRequest: ")
    assert own.endswith("\n\nRevision: End.")
    assert len(examples) == len(craft("transcript").revision_examples) > 0
    for example in examples:
        assert [line.split()[0] for line in example.split("\n\n")][-len(MARKS) :] == list(MARKS)


def test_a_transcript_stops_before_every_mark() -> None:
    dialogue = craft("transcript").opened(TURNS)
    assert {f"\n\n{mark}" for mark in MARKS if mark != "Revision:"} <= set(dialogue.stops)
    assert craft("chat").opened(TURNS).stops == ()


def test_steps_leave_the_dialogue_as_it_was() -> None:
    for form in ("chat", "transcript"):
        dialogue = craft(form).opened(TURNS)  # type: ignore[arg-type]
        before = dialogue.prompt
        dialogue.answered("x").asked("critique/single_turn", critique_request="y", statement="z")
        assert dialogue.prompt == before


def test_a_comparison_names_both_answers_and_ends_before_the_letter() -> None:
    chat = craft("chat").comparison(TURNS, "One", "Two", "Which?")
    assert isinstance(chat, ChatPrompt)
    (message,) = chat.messages
    assert message.role == "user"
    assert "user: Hi\nassistant: Hello\nuser: Tell me.\n" in message.content
    assert message.content.index("Answer A: One") < message.content.index("Answer B: Two")
    text = craft("transcript").comparison(TURNS, "One", "Two", "Which?")
    assert isinstance(text, TextPrompt)
    assert text.text.endswith("(A) One\n\n(B) Two\n\nQuestion: Which?\nThe answer to the question is: (")
    assert text.text.count("-----") == len(craft("transcript").comparison_examples)


@pytest.fixture
def own_prompts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource("prompts"), tmp_path / "prompts"))


def test_a_system_turn_comes_from_its_template(own_prompts: Path) -> None:
    (own_prompts / "draft" / "answer.chat.jinja").write_text("{# variables: #}\nBe kind.\n")
    with_system = craft("chat", own_prompts).opened(TURNS).prompt
    assert with_system == ChatPrompt((Message("system", "Be kind."), *TURNS))
    own = (Message("system", "Mine."), *TURNS)
    assert craft("chat", own_prompts).opened(own).prompt == ChatPrompt(own)


def test_a_change_of_any_text_changes_the_fingerprint(own_prompts: Path) -> None:
    for form, changed in {
        "chat": ["critique/single_turn.chat.jinja"],
        "transcript": ["revision/revise.transcript.jinja", "fewshot/comparison.yaml", "fewshot/critique_revision.yaml"],
    }.items():
        for name in changed:
            before = craft(form, own_prompts).fingerprint_parts()  # type: ignore[arg-type]
            file = own_prompts / name
            file.write_text(file.read_text().replace(" the ", " that ").replace("\nWrite", "\nNow write") + "x")
            if name.endswith("yaml"):
                file.write_text(file.read_text()[:-1])
            assert craft(form, own_prompts).fingerprint_parts() != before  # type: ignore[arg-type]
    # The other form's files, and the examples, are nothing to the chat form.
    assert craft("chat", own_prompts).revision_examples == ()


def test_a_folder_must_have_what_a_run_needs(own_prompts: Path) -> None:
    (own_prompts / "draft" / "answer.chat.jinja").write_text("{# variables: messages #}\n{{ messages|length }}")
    with pytest.raises(TemplateError, match="asks for messages, but is given no values"):
        craft("chat", own_prompts)
    (own_prompts / "comparison" / "choice.transcript.jinja").unlink()
    with pytest.raises(TemplateError, match="no such template"):
        craft("transcript", own_prompts)
