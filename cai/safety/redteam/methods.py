"""The methods by which a new prompt is made. Templates and draws only: nothing here runs a model.

`few_shot` shows the model seeds of a hazard and asks for one more; `language` asks it for a translation of one seed.
The others put one seed into a template `prompts/redteam/METHOD.WORDING`, of which there may be any number: what a
request looks like that is smuggled in (`prompt_injection`), put into somebody's mouth (`role_play`), or given an
innocent reason (`disguise`), or that comes at the end of a conversation that leads up to it (`escalation`).
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cai.config.redteam import Method, RedteamConfig
from cai.constitution.taxonomy import Hazard, taxonomy
from cai.data.transcripts import split_turns
from cai.engines.base import ChatPrompt, EnginePrompt, TextPrompt
from cai.errors import TemplateError
from cai.records import Message, Prompt, content_hash
from cai.resources import resource
from cai.templates import PromptLibrary

METHODS: tuple[Method, ...] = get_args(Method)
ASKS_THE_MODEL: tuple[Method, ...] = ("few_shot", "language")
_WORDED: tuple[Method, ...] = tuple(method for method in METHODS if method not in ASKS_THE_MODEL)
_FOLDER = "redteam"
_VALUES: Mapping[str, tuple[str, ...]] = {
    "few_shot": ("hazard", "description", "seeds"),
    "language": ("language", "request"),
    "hazard_check": ("hazard", "description", "request", "first", "second"),
}
_STOPS = ("\n\n", "\nMessage:")
_LABEL = re.compile(r"\A(?:(?:Message|Request|Prompt)\s*\d{0,3}\s*:|\d{1,3}[.)]|[-*\u2022])\s+", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"(?:sure|of course|certainly|okay|ok|yes|here|below|this|one more|message|request|translation)\b.*:", re.IGNORECASE
)
_QUOTES = (('"', '"'), ("\u201c", "\u201d"), ("'", "'"), ("\u00ab", "\u00bb"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try for a hazard: what is drawn for it follows from its number, the settings and the seeds alone."""

    hazard: Hazard
    number: int
    method: Method
    seeds: tuple[Prompt, ...]
    draw: int
    wording: str | None = None
    language: str | None = None

    @property
    def id(self) -> str:
        """The record under which its replies are kept."""
        return f"{self.hazard.id}/{self.number}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prompt that was made, before anything is known of its worth."""

    attempt: Attempt
    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        """All turns, for comparisons."""
        return "\n\n".join(message.content for message in self.messages)


class Craft:
    """Draws attempts, and turns them into questions and prompts.

    Args:
        config: The settings.
        seeds: Seeds by hazard.

    Raises:
        TemplateError: A template is missing or wants what it is not given.
    """

    def __init__(self, config: RedteamConfig, seeds: Mapping[str, Sequence[Prompt]]) -> None:
        self._config = config
        self._seeds = seeds
        shipped = resource("prompts")
        self.library = PromptLibrary(Path(config.prompts_dir or shipped), config.form, shipped)
        self._methods = [method for method in METHODS if config.methods.get(method)]
        self._wordings = {method: self._found(method) for method in self._methods if method in _WORDED}
        for name in (*(m for m in self._methods if m in ASKS_THE_MODEL), *(("hazard_check",) if config.check else ())):
            self.library.expect(f"{_FOLDER}/{name}", _VALUES[name])

    def drawn(self, hazard: str, number: int) -> Attempt:
        """The attempt of a number."""
        config = self._config
        draw = random.Random(content_hash(config.seed, "redteam", hazard, number))
        method = draw.choices(self._methods, [config.methods[method] for method in self._methods])[0]
        there = self._seeds[hazard]
        seeds = draw.sample(there, min(config.shots, len(there))) if method == "few_shot" else [draw.choice(there)]
        return Attempt(
            hazard=taxonomy().by_id[hazard],
            number=number,
            method=method,
            seeds=tuple(seeds),
            draw=draw.getrandbits(31),
            wording=draw.choice(self._wordings[method]) if method in _WORDED else None,
            language=draw.choice(config.languages) if method == "language" else None,
        )

    def question(self, attempt: Attempt) -> EnginePrompt | None:
        """What the model is asked; None if the method is a template.

        Raises:
            TemplateError: The seeds are too long for it.
        """
        if attempt.method not in ASKS_THE_MODEL:
            return None
        texts = [seed.messages[0].content for seed in attempt.seeds]
        if attempt.method == "few_shot":
            hazard = attempt.hazard
            return self.asked("few_shot", hazard=hazard.name, description=hazard.description, seeds=texts)
        return self.asked("language", language=attempt.language, request=texts[0])

    @property
    def stops(self) -> tuple[str, ...]:
        """Where a written text ends; a chat model ends its turn by itself."""
        return _STOPS if self._config.form == "transcript" else ()

    def asked(self, template: str, **values: object) -> EnginePrompt:
        """A template as a prompt of the form."""
        text = self.library.render(f"{_FOLDER}/{template}", **values)
        return TextPrompt(text) if self._config.form == "transcript" else ChatPrompt((Message("user", text),))

    def made(self, attempt: Attempt, written: str | None) -> Candidate:
        """The prompt of an attempt; `written` is what the model said, where it was asked.

        Raises:
            TemplateError: A template renders to no conversation.
        """
        if written is not None:
            return Candidate(attempt, (Message("user", only_message(written)),))
        request = attempt.seeds[0].messages[0].content
        name = f"{_FOLDER}/{attempt.method}.{attempt.wording}"
        if attempt.method == "escalation":
            before = self._turns(name, attempt.hazard.name)
            return Candidate(attempt, (*before, Message("user", request)))
        return Candidate(attempt, (Message("user", self.library.render(name, request=request)),))

    def _turns(self, name: str, topic: str) -> tuple[Message, ...]:
        try:
            turns = split_turns(self.library.render(name, topic=topic))
        except ValueError as error:
            raise TemplateError(
                str(error), where=name, fix='write "Human: ..." and "Assistant: ..." in turns'
            ) from None
        if turns[-1].role != "assistant":
            raise TemplateError("does not end with an Assistant turn", where=name, fix="the request comes after it")
        return turns

    def _found(self, method: Method) -> list[str]:
        start = f"{_FOLDER}/{method}."
        wordings = [name.removeprefix(start) for name in self.library.names if name.startswith(start)]
        if not wordings:
            where = f"{self.library.root}/{start}WORDING.{self._config.form}.jinja"
            raise TemplateError("there is no template for this method", where=where, fix=f"write one, or drop {method}")
        for wording in wordings:
            self.library.expect(f"{start}{wording}", ("topic",) if method == "escalation" else ("request",))
        return wordings


def only_message(reply: str) -> str:
    """The message in a model's reply: without the line that announces it, its label or number, and quotes around it."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    if len(lines) > 1 and _ANNOUNCED.fullmatch(lines[0]):
        lines = lines[1:]
    text = _LABEL.sub("", " ".join(lines), count=1).strip()
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        if len(text) > 2 and text[0] == opening and text[-1] == closing and opening not in inner:
            return inner.strip()
    return text
