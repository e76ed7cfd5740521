"""A conversation that grows by asking and answering, in the chat or the transcript form.

Each step only appends, so that the prompt of a step extends the token prefix of the step before it. Nothing here runs a
model or knows what is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from cai.engines.base import ChatPrompt, EnginePrompt, TextPrompt
from cai.fewshot import (
    ComparisonExample,
    ReasonedExample,
    RevisionExample,
    comparison_examples,
    reasoned_examples,
    revision_examples,
)
from cai.records import Message
from cai.templates import Form, PromptLibrary

_ANSWER = "draft/answer"
_CHOICE = "comparison/choice"
_TRANSCRIPT_STOPS = tuple(
    f"\n\n{mark}" for mark in ("Human:", "Assistant:", "CritiqueRequest:", "Critique:", "RevisionRequest:", "-----")
)


class Dialogue(Protocol):
    """A conversation in one of the forms; immutable."""

    @property
    def prompt(self) -> EnginePrompt:
        """What an engine is given to write the next turn."""
        ...

    @property
    def stops(self) -> tuple[str, ...]:
        """Strings before which the next turn must end."""
        ...

    def asked(self, template: str, **values: Any) -> "Dialogue":
        """The conversation with a request appended, rendered from a template of the library."""
        ...

    def answered(self, text: str) -> "Dialogue":
        """The conversation with the model's own turn appended."""
        ...


@dataclass(frozen=True)
class ChatDialogue:
    """Messages for a chat template."""

    library: PromptLibrary
    messages: tuple[Message, ...]

    @property
    def prompt(self) -> EnginePrompt:
        return ChatPrompt(self.messages)

    @property
    def stops(self) -> tuple[str, ...]:
        return ()

    def asked(self, template: str, **values: Any) -> Dialogue:
        text = self.library.render(template, **values)
        return ChatDialogue(self.library, (*self.messages, Message("user", text)))

    def answered(self, text: str) -> Dialogue:
        return ChatDialogue(self.library, (*self.messages, Message("assistant", text)))


@dataclass(frozen=True)
class TranscriptDialogue:
    """One growing text, as the paper's."""

    library: PromptLibrary
    text: str

    @property
    def prompt(self) -> EnginePrompt:
        return TextPrompt(self.text)

    @property
    def stops(self) -> tuple[str, ...]:
        return _TRANSCRIPT_STOPS

    def asked(self, template: str, **values: Any) -> Dialogue:
        return TranscriptDialogue(self.library, f"{self.text}\n\n{self.library.render(template, **values)}")

    def answered(self, text: str) -> Dialogue:
        return TranscriptDialogue(self.library, f"{self.text} {text}")


class Stagecraft:
    """The prompts of one run: templates of its form and the examples that go before them.

    Raises:
        TemplateError: A template is missing, not valid, or asks for what it is not given.
    """

    def __init__(self, prompts: Path, form: Form, fallback: Path | None = None) -> None:
        self.form: Form = form
        self._folders = (prompts, fallback) if fallback else (prompts,)
        self.library = PromptLibrary(prompts, form, fallback)
        transcript = form == "transcript"
        self.library.expect(_ANSWER, ("examples", "messages") if transcript else ())
        pair = ("messages", "response_a", "response_b", "question")
        self.library.expect(_CHOICE, ("examples", *pair) if transcript else pair)

    @cached_property
    def revision_examples(self) -> tuple[RevisionExample, ...]:
        """Examples of critique and revision; the chat form has none."""
        return revision_examples(self._folders) if self.form == "transcript" else ()

    @cached_property
    def comparison_examples(self) -> tuple[ComparisonExample, ...]:
        """Examples of comparisons; the chat form has none."""
        return comparison_examples(self._folders) if self.form == "transcript" else ()

    @cached_property
    def reasoned_examples(self) -> tuple[ReasonedExample, ...]:
        """Examples of comparisons with reasons; the chat form has none."""
        return reasoned_examples(self._folders) if self.form == "transcript" else ()

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """What a change of any template or example changes."""
        return (
            self.library.fingerprint(),
            [example.model_dump() for example in self.revision_examples],
            [example.model_dump() for example in self.comparison_examples],
            [example.model_dump() for example in self.reasoned_examples],
        )

    def opened(self, messages: Sequence[Message]) -> Dialogue:
        """The dialogue in which the model answers a prompt."""
        if self.form == "transcript":
            text = self.library.render(_ANSWER, examples=self.revision_examples, messages=messages)
            return TranscriptDialogue(self.library, text)
        system = self.library.render(_ANSWER).strip()
        first = (Message("system", system),) if system and messages[0].role != "system" else ()
        return ChatDialogue(self.library, (*first, *messages))

    def comparison(self, messages: Sequence[Message], response_a: str, response_b: str, question: str) -> EnginePrompt:
        """The prompt that asks which of two answers is better; the next token is the letter."""
        values = {"messages": messages, "response_a": response_a, "response_b": response_b, "question": question}
        return self.request(_CHOICE, self.comparison_examples, **values).prompt

    def request(self, template: str, examples: Sequence[Any] | None = None, **values: Any) -> Dialogue:
        """A dialogue that begins with a request of its own, which shows what it is about.

        Args:
            template: The template of the request.
            examples: Given to it in the transcript form; None if it takes none.
            values: What else it is given.
        """
        if self.form == "chat":
            return ChatDialogue(self.library, (Message("user", self.library.render(template, **values)),))
        shown = values if examples is None else {"examples": examples, **values}
        return TranscriptDialogue(self.library, self.library.render(template, **shown))
