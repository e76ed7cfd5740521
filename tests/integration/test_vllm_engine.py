"""The real engine on a tiny model with random weights: one start for all tests of this file."""

import asyncio
import gc
import json
import math
import os
import sys
import warnings
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from jsonschema import Draft202012Validator

from cai.config.roles import SamplingConfig, VllmConfig
from cai.engines.base import ChatPrompt, ChoiceRequest, EnginePrompt, GenerationRequest, TextPrompt
from cai.engines.encoding import Encoder
from cai.engines.vllm import VllmEngine
from cai.errors import EngineError, RequestError
from cai.records import Message

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
T = TypeVar("T")


@dataclass
class Started:
    engine: VllmEngine
    runner: asyncio.Runner
    log: Path
    adapter: str

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


def children() -> list[int]:
    """Processes under this one, but for Python's own tracker, which ends with it."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline())
    ]


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A LoRA adapter of the tiny model, with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import LlamaForCausalLM

        torch.manual_seed(1)
        model = LlamaForCausalLM.from_pretrained(tiny_model)
        config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        folder = tmp_path_factory.mktemp("adapter")
        model.name_or_path = str(tiny_model)
        get_peft_model(model, config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def started(tiny_model: Path, adapter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("engine")
    log, out = folder / "logs" / "engine.log", folder / "printed"
    config = VllmConfig(model=str(tiny_model), kv_cache_gib=0.25, stall_timeout_s=60)
    engine = VllmEngine(config, log_path=log, adapters=(adapter,))
    before = children()
    # The terminal of the process itself, below whatever pytest captures: what reaches it would reach a user.
    terminal = os.open(out, os.O_CREAT | os.O_WRONLY)
    saved = os.dup(1), os.dup(2)
    os.dup2(terminal, 1)
    os.dup2(terminal, 2)
    try:
        with asyncio.Runner() as runner, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runner.run(engine.start())
            yield Started(engine, runner, log, adapter)
            runner.run(engine.close())
            runner.run(engine.close())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in (*saved, terminal):
            os.close(descriptor)
    assert out.read_text() == ""
    assert children() == before


def chat(text: str, *more: str) -> ChatPrompt:
    return ChatPrompt(
        tuple(Message("user" if i % 2 == 0 else "assistant", turn) for i, turn in enumerate((text, *more)))
    )


def ask(name: str, prompt: EnginePrompt, seed: int = 1, n: int = 1, **sampling: Any) -> GenerationRequest:
    return GenerationRequest(name, prompt, SamplingConfig(**{"max_new_tokens": 16, **sampling}), seed=seed, n=n)


def test_many_requests_run_at_once_and_a_seed_repeats_its_answer(started: Started) -> None:
    async def work() -> Any:
        requests = [ask(f"r{i}", chat(f"Question {i % 4}?"), seed=i % 4) for i in range(24)]
        return await asyncio.gather(*(started.engine.generate(request) for request in requests))

    answers = started.run(work())
    texts = [answer.completions[0].text for answer in answers]
    assert texts[:4] * 6 == texts
    assert len(set(texts)) == 4
    assert all(answer.completions[0].finish_reason in ("stop", "length") for answer in answers)
    assert all(answer.usage.generated_tokens <= 16 and answer.usage.prompt_tokens > 10 for answer in answers)


def test_n_answers_differ_and_greedy_ones_do_not(started: Started) -> None:
    several = started.run(started.engine.generate(ask("n", chat("Hello?"), n=3)))
    assert len({completion.text for completion in several.completions}) == 3
    greedy = started.run(started.engine.generate(ask("g", chat("Hello?"), n=2, temperature=0)))
    assert len(greedy.completions) == 2
    assert len({completion.text for completion in greedy.completions}) == 1


def test_a_stop_string_ends_the_answer(started: Started) -> None:
    free = started.run(started.engine.generate(ask("s", chat("Hi"), temperature=0, max_new_tokens=24)))
    text = free.completions[0].text
    middle = text[len(text) // 2]
    cut = started.run(started.engine.generate(ask("s2", chat("Hi"), temperature=0, max_new_tokens=24, stop=(middle,))))
    assert cut.completions[0].text == text[: text.index(middle)]
    assert cut.completions[0].finish_reason == "stop"


def test_an_answer_is_held_to_a_schema(started: Started) -> None:
    """The model's weights are random: only the engine can make JSON of what it says."""
    schema = {
        "type": "object",
        "properties": {
            "violates": {"type": "boolean"},
            "severity": {"type": "integer", "enum": [0, 1, 2, 3, 4]},
            "evidence": {"type": "string", "maxLength": 8},
        },
        "required": ["violates", "severity", "evidence"],
        "additionalProperties": False,
    }
    requests = [
        replace(ask(f"json-{seed}", chat("Judge it."), seed, max_new_tokens=120), schema=json.dumps(schema))
        for seed in range(6)
    ]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(started.engine.generate(one) for one in requests))

    found = started.run(all_at_once())
    rows = [json.loads(one.completions[0].text, strict=False) for one in found]
    assert all(Draft202012Validator(schema).is_valid(row) for row in rows)
    assert len({json.dumps(row) for row in rows}) > 1


def test_an_extended_prompt_finds_its_prefix_in_the_cache(started: Started) -> None:
    first = "Tell me how to bake bread, please. " * 16
    before = started.run(started.engine.generate(ask("c1", chat(first))))
    after = started.run(started.engine.generate(ask("c2", chat(first, "No.", "Why?"))))
    assert before.usage.cached_tokens == 0
    assert after.usage.cached_tokens >= 128
    assert after.usage.prompt_tokens > before.usage.prompt_tokens


def expected(model: Any, ids: list[int], tail: list[int]) -> float:
    """The log-probability of `tail` after `ids` as transformers computes it."""
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([ids + tail])).logits[0]  # [T, V]
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    return sum(float(logprobs[len(ids) + i - 1, token]) for i, token in enumerate(tail))


@pytest.fixture(scope="module")
def reference(tiny_model: Path, adapter: str) -> dict[str | None, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from peft import PeftModel
        from transformers import LlamaForCausalLM

        base = LlamaForCausalLM.from_pretrained(tiny_model).eval()
        tuned = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(tiny_model), adapter).eval()
    return {None: base, adapter: tuned}


@pytest.mark.parametrize("adapted", [False, True], ids=["base", "adapter"])
@pytest.mark.parametrize("choices", [("A", "B"), (" yes", " no", " yes or no"), ("zebra", "A", "zebu")])
@pytest.mark.parametrize("prompt", [chat("Which one?"), TextPrompt("The answer is")], ids=["chat", "text"])
def test_choice_scores_equal_the_models_own(
    started: Started,
    reference: dict[str | None, Any],
    tiny_model: Path,
    prompt: EnginePrompt,
    choices: tuple[str, ...],
    adapted: bool,
) -> None:
    encoder = Encoder.load(str(tiny_model))
    name = started.adapter if adapted else None
    scores = started.run(started.engine.score_choices(ChoiceRequest("x", prompt, choices, adapter=name)))
    ids = list(encoder.encode(prompt))
    for choice, score in zip(choices, scores.logprobs, strict=True):
        tail = list(encoder.choice_ids(prompt, choice))
        assert math.isclose(score, expected(reference[name], ids, tail), abs_tol=1e-4)
    assert scores.usage.generated_tokens == 0


def test_an_adapter_changes_answers(started: Started) -> None:
    plain = ask("p", chat("Hi"), temperature=0)
    answers = [
        started.run(started.engine.generate(request)).completions[0].text
        for request in (plain, replace(plain, adapter=started.adapter))
    ]
    assert answers[0] != answers[1]


def test_a_folder_with_an_adapter_alone_is_a_model(started: Started, adapter: str, tmp_path: Path) -> None:
    with_base = ask("w", chat("Hi"), temperature=0)
    expected = started.run(started.engine.generate(replace(with_base, adapter=started.adapter))).completions

    async def work() -> Any:
        engine = VllmEngine(VllmConfig(model=adapter, kv_cache_gib=0.25), log_path=tmp_path / "log")
        try:
            await engine.start()
            return (await engine.generate(with_base)).completions, engine.fingerprint
        finally:
            await engine.close()

    answers, fingerprint = started.run(work())
    assert answers == expected
    assert fingerprint == started.engine.fingerprint


def test_a_prompt_that_is_too_long_fails_alone(started: Started) -> None:
    async def work() -> Any:
        requests = [ask("long", chat("word " * 2000)), *(ask(f"ok{i}", chat("Hi")) for i in range(3))]
        return await asyncio.gather(*(started.engine.generate(r) for r in requests), return_exceptions=True)

    failed, *rest = started.run(work())
    assert isinstance(failed, RequestError)
    assert "1023" in str(failed)
    assert all(answer.completions for answer in rest)


def test_the_answer_is_cut_to_what_the_model_has_room_for(started: Started) -> None:
    prompt = TextPrompt("\x00" * 1020)
    answer = started.run(started.engine.generate(ask("room", prompt, max_new_tokens=500)))
    assert answer.usage.prompt_tokens == 1020
    assert answer.usage.generated_tokens <= 4
    with pytest.raises(RequestError):
        started.run(started.engine.score_choices(ChoiceRequest("full", TextPrompt("\x00" * 1024), ("A",))))


def test_what_vllm_refuses_fails_alone(started: Started) -> None:
    broken = ask("bad", chat("Hi"), stop=("",))
    with pytest.raises(RequestError, match="refuses"):
        started.run(started.engine.generate(broken))
    assert started.run(started.engine.generate(ask("good", chat("Hi")))).completions


@pytest.mark.parametrize(
    ("settings", "said"), [({"max_model_len": 4096}, "max_model_len"), ({"engine_args": {"no_such": 1}}, "no_such")]
)
def test_a_start_that_fails_names_the_cause(
    started: Started, tiny_model: Path, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    engine = VllmEngine(VllmConfig(model=str(tiny_model), **settings), log_path=tmp_path / "log")
    with pytest.raises(EngineError, match=said):
        started.run(engine.start())
    assert started.run(started.engine.generate(ask("still", chat("Hi")))).completions


# vLLM leaves a ZeroMQ context behind when its own start fails; it is collected here, where that is allowed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_start_that_is_cancelled_leaves_nothing_behind(started: Started, tiny_model: Path, tmp_path: Path) -> None:
    before = children()

    async def work() -> None:
        starting = asyncio.create_task(VllmEngine(VllmConfig(model=str(tiny_model)), log_path=tmp_path / "log").start())
        while len(children()) == len(before):  # noqa: ASYNC110  (a process cannot set an event here)
            await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    started.run(work())
    gc.collect()
    assert children() == before
    assert started.run(started.engine.generate(ask("still", chat("Hi")))).completions


def test_an_adapter_that_was_not_given_at_start_is_an_error(started: Started) -> None:
    request = ChoiceRequest("x", chat("Hi"), ("A",), adapter="elsewhere")
    with pytest.raises(EngineError, match="without the adapter"):
        started.run(started.engine.score_choices(request))


def test_names_and_log(started: Started) -> None:
    assert started.engine.model.endswith("/model")
    assert len(started.engine.fingerprint) == 32
    assert "<|im_start|>user\nHi<|im_end|>" in started.engine.rendered(chat("Hi"))
    assert "vllm" in started.log.read_text().lower()


def test_the_death_of_the_engine_ends_what_is_pending(started: Started) -> None:
    """The last test of this file: it kills the engine."""

    async def work() -> Any:
        requests = [ask(f"d{i}", chat("Hi"), max_new_tokens=900) for i in range(4)]
        tasks = [asyncio.create_task(started.engine.generate(request)) for request in requests]
        await asyncio.sleep(0)
        for child in psutil.Process().children(recursive=True):
            if "resource_tracker" not in " ".join(child.cmdline()):
                child.kill()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(error, EngineError) for error in started.run(work()))
    with pytest.raises(EngineError) as caught:
        started.run(started.engine.generate(ask("after", chat("Hi"))))
    assert caught.value.where == str(started.log)
