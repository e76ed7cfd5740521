"""An engine without a model, for tests of the pipeline itself: answers follow from the prompt and the seed alone.

Its words mean nothing; its answers differ between prompts and between seeds, and are now and then the answer before
them unchanged.
"""

import asyncio
import hashlib
import json
import math
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cai.config.roles import ScriptedConfig
from cai.engines.base import (
    ChatPrompt,
    ChoiceRequest,
    ChoiceScores,
    Completion,
    EnginePrompt,
    Generation,
    GenerationRequest,
)
from cai.errors import RequestError
from cai.records import Usage, content_hash

FAIL = "[[fail]]"
"""A last user turn (or a text) with this in it fails for good."""

_UNCHANGED_SHARE = 0.1
_CHOICE_MASS = 0.9
_SUBJECTS = ("The answer", "This reply", "My advice", "The plan", "A safe way", "The other view", "What follows")
_VERBS = ("considers", "avoids", "explains", "repeats", "softens", "questions", "completes", "leaves out")
_OBJECTS = (
    "the request",
    "every detail",
    "the risk",
    "a kind word",
    "the harder part",
    "the usual steps",
    "the reason",
)
_MANNERS = ("with care", "in short", "without blame", "step by step", "at some length", "as asked", "for once")


class ScriptedEngine:
    """Deterministic answers and scores, computed from a hash.

    Args:
        config: The engine's settings.
    """

    def __init__(self, config: ScriptedConfig) -> None:
        self._config = config

    @property
    def model(self) -> str:
        """The configured name."""
        return self._config.model

    @property
    def fingerprint(self) -> str:
        """Hash of the name: nothing else determines answers."""
        return content_hash("scripted", self._config.model)

    async def start(self) -> None:
        """Nothing to load."""

    async def generate(self, request: GenerationRequest) -> Generation:
        """`n` answers of a few sentences each.

        Raises:
            RequestError: The prompt holds `FAIL` in its last user turn.
        """
        await self._called("generate", request.request_id, request.prompt)
        limit = request.sampling.max_new_tokens
        completions: list[Completion] = []
        for index in range(request.n):
            draw = self._draw(request.prompt, request.adapter, request.seed, index)
            if request.schema is not None:
                completions.append(Completion(json.dumps(_fitting(json.loads(request.schema), draw)), "stop"))
                continue
            words = _answer(draw, request.prompt).split(" ")
            text = " ".join(words[:limit])
            for stop in request.sampling.stop:
                text = text.split(stop)[0]
            completions.append(Completion(text, "length" if len(words) > limit else "stop"))
        prompt_words = _count(request.prompt)
        generated = sum(len(completion.text.split()) for completion in completions)
        return Generation(tuple(completions), Usage(prompt_words, prompt_words // 2, generated))

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        """Log-probabilities that share a mass of 0.9.

        Raises:
            RequestError: The prompt holds `FAIL` in its last user turn.
        """
        await self._called("choices", request.request_id, request.prompt)
        weights = [
            math.exp(self._draw(request.prompt, request.adapter, choice, 0).gauss(0, 1.5)) for choice in request.choices
        ]
        prompt_words = _count(request.prompt)
        return ChoiceScores(
            tuple(math.log(_CHOICE_MASS * weight / sum(weights)) for weight in weights),
            Usage(prompt_words, prompt_words // 2, 0),
        )

    def rendered(self, prompt: EnginePrompt) -> str:
        """The turns, one under the other, each with its role before it."""
        if not isinstance(prompt, ChatPrompt):
            return prompt.text
        turns = [f"{message.role}: {message.content}" for message in prompt.messages]
        return "\n".join([*turns, f"assistant: {prompt.prefill}"])

    async def close(self) -> None:
        """Nothing to release."""

    async def _called(self, call: str, request_id: str, prompt: EnginePrompt) -> None:
        if self._config.call_log is not None:
            _append(Path(self._config.call_log), f"{call} {request_id}\n")
        if self._config.latency_s:
            await asyncio.sleep(self._config.latency_s)
        if FAIL in _last_user_text(prompt):
            raise RequestError("the scripted engine was told to fail", where=request_id)

    def _draw(self, prompt: EnginePrompt, *names: object) -> random.Random:
        parts: Iterable[object] = (self._config.model, self.rendered(prompt), *names)
        digest = hashlib.blake2b("\x00".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16)
        return random.Random(digest.digest())


def _answer(draw: random.Random, prompt: EnginePrompt) -> str:
    before = _last_answer(prompt)
    if before and draw.random() < _UNCHANGED_SHARE:
        return before
    sentences = [
        f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_OBJECTS)} {draw.choice(_MANNERS)}."
        for _ in range(draw.randint(2, 5))
    ]
    return " ".join([*sentences, f"Note {draw.getrandbits(32):08x}."])


def _fitting(schema: dict[str, Any], draw: random.Random) -> Any:
    """A value that fits a JSON Schema of the few forms that the program uses."""
    if "enum" in schema:
        return draw.choice(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return {name: _fitting(part, draw) for name, part in schema["properties"].items()}
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "integer":
        return draw.randint(schema["minimum"], schema["maximum"])
    return f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_OBJECTS)}"


def _last_answer(prompt: EnginePrompt) -> str:
    if not isinstance(prompt, ChatPrompt):
        return ""
    return next((message.content for message in reversed(prompt.messages) if message.role == "assistant"), "")


def _last_user_text(prompt: EnginePrompt) -> str:
    if not isinstance(prompt, ChatPrompt):
        return prompt.text
    return next((message.content for message in reversed(prompt.messages) if message.role == "user"), "")


def _count(prompt: EnginePrompt) -> int:
    if not isinstance(prompt, ChatPrompt):
        return len(prompt.text.split())
    return sum(len(message.content.split()) for message in prompt.messages) + len(prompt.prefill.split())


def _append(path: Path, line: str) -> None:
    """One write to a file opened for appending, so that lines of several processes never mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
