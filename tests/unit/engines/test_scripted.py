"""The engine without a model is deterministic, varied, and fails when it is told to."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from cai.config.roles import SamplingConfig, ScriptedConfig
from cai.engines.base import ChatPrompt, ChoiceRequest, Engine, EnginePrompt, Generation, GenerationRequest, TextPrompt
from cai.engines.scripted import ScriptedEngine
from cai.errors import RequestError
from cai.records import Message


def answer(
    prompt: EnginePrompt, seed: int = 0, n: int = 1, engine: Engine | None = None, **sampling: Any
) -> Generation:
    request = GenerationRequest("r/draft", prompt, SamplingConfig(**sampling), seed=seed, n=n)
    return asyncio.run((engine or ScriptedEngine(ScriptedConfig())).generate(request))


def hi(text: str = "Hi") -> ChatPrompt:
    return ChatPrompt((Message("user", text),))


def test_answers_follow_from_prompt_and_seed() -> None:
    texts = {
        answer(prompt, seed).completions[0].text
        for prompt in (hi(), hi("Ho"), TextPrompt("Hi"), ChatPrompt(hi().messages, "So"))
        for seed in range(5)
    }
    assert len(texts) == 20
    assert answer(hi(), 3) == answer(hi(), 3)
    several = answer(hi(), n=3)
    assert len({completion.text for completion in several.completions}) == 3
    assert all(text.count(".") > 2 for text in texts)
    assert several.usage.prompt_tokens == 1
    assert several.usage.generated_tokens > 20


def test_now_and_then_an_answer_stays_as_it_was() -> None:
    same = 0
    for turn in range(200):
        before = f"An answer, number {turn}."
        prompt = ChatPrompt((Message("user", "Hi"), Message("assistant", before), Message("user", "Revise it.")))
        same += answer(prompt).completions[0].text == before
    assert 5 < same < 50


def test_limits_and_stops_are_kept() -> None:
    cut = answer(hi(), max_new_tokens=3).completions[0]
    assert len(cut.text.split()) == 3
    assert cut.finish_reason == "length"
    assert "." not in answer(hi(), stop=(".",)).completions[0].text


def test_choice_scores_are_log_probabilities() -> None:
    engine = ScriptedEngine(ScriptedConfig())
    first = asyncio.run(engine.score_choices(ChoiceRequest("r", hi(), ("A", "B"))))
    assert first == asyncio.run(engine.score_choices(ChoiceRequest("other", hi(), ("A", "B"))))
    assert first.logprobs[0] != first.logprobs[1]
    assert math.fsum(math.exp(score) for score in first.logprobs) < 1
    swapped = asyncio.run(engine.score_choices(ChoiceRequest("r", hi(), ("B", "A"))))
    assert swapped.logprobs == pytest.approx(first.logprobs[::-1])


def test_it_fails_when_told_to() -> None:
    for prompt in (hi("please [[fail]]"), TextPrompt("[[fail]]")):
        with pytest.raises(RequestError, match="told to fail"):
            answer(prompt)
    earlier = (Message("user", "[[fail]]"), Message("assistant", "No."), Message("user", "Go on."))
    assert answer(ChatPrompt(earlier)).completions


def test_calls_are_counted_in_a_file(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    engine = ScriptedEngine(ScriptedConfig(call_log=str(log), latency_s=0.001))
    answer(hi(), engine=engine)
    asyncio.run(engine.score_choices(ChoiceRequest("r/label", hi(), ("A", "B"))))
    with pytest.raises(RequestError):
        answer(hi("[[fail]]"), engine=engine)
    assert log.read_text() == "generate r/draft\nchoices r/label\ngenerate r/draft\n"


def test_what_it_shows() -> None:
    engine = ScriptedEngine(ScriptedConfig(model="name"))
    assert engine.model == "name"
    assert engine.fingerprint == ScriptedEngine(ScriptedConfig(model="name", latency_s=1)).fingerprint
    assert engine.rendered(ChatPrompt(hi().messages, "So")) == "user: Hi\nassistant: So"
