"""The contract between the pipeline and whatever runs a model.

A request carries text (messages or a transcript), never rendered control tokens: each engine encodes it so that
nothing in the text can become a control token. Nothing here knows a particular engine.
"""

from dataclasses import dataclass, field
from typing import Protocol

from cai.config.roles import SamplingConfig
from cai.records import Message, Usage


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages for the model's chat template; the model is to write the next assistant turn.

    `prefill` is text with which that turn already begins.
    """

    messages: tuple[Message, ...]
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """Plain text to be continued, for models without a chat template."""

    text: str


EnginePrompt = ChatPrompt | TextPrompt


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One prompt and how to answer it.

    `seed` is drawn from names (run, record, stage, round), so that a repeated request draws the same answer where the
    engine can promise it. Smaller `priority` values run first. `n` answers are drawn in one request. `schema` is a JSON
    Schema, as JSON text: the answer is then JSON that fits it, unless it is cut by `max_new_tokens`.
    """

    request_id: str
    prompt: EnginePrompt
    sampling: SamplingConfig
    seed: int
    priority: int = 0
    n: int = 1
    adapter: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer; `finish_reason` is `stop`, `length` (cut at max_new_tokens) or `repetition`."""

    text: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Generation:
    """The answers to one request, `n` of them."""

    completions: tuple[Completion, ...]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class ChoiceRequest:
    """How likely is each of the given continuations? `choices` are texts such as `A` and `B`."""

    request_id: str
    prompt: EnginePrompt
    choices: tuple[str, ...]
    priority: int = 0
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class ChoiceScores:
    """Natural-log probabilities over the full vocabulary, one for each choice, in order."""

    logprobs: tuple[float, ...]
    usage: Usage = field(default_factory=Usage)


class Engine(Protocol):
    """Runs a model. Calls may be made concurrently, from one event loop.

    Raises (both calls): `RequestError` if this request can never succeed (too long, refused); `EngineError` if the
    engine is gone and the run cannot go on.
    """

    @property
    def model(self) -> str:
        """Name of the model for records and cards."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of everything that determines answers: weights, tokenizer, template. Known after `start`."""
        ...

    async def start(self) -> None:
        """Load the model or reach the server; must be called once, before any other call."""
        ...

    async def generate(self, request: GenerationRequest) -> Generation:
        """Answer a prompt."""
        ...

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        """Score given continuations without drawing any."""
        ...

    def rendered(self, prompt: EnginePrompt) -> str:
        """The exact text that the model sees, control tokens included, for people to read."""
        ...

    async def close(self) -> None:
        """Release everything; safe to call twice."""
        ...
