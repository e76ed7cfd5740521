"""The engine for servers, against a server on a real socket that fails on cue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import pytest

from cai.config.roles import OpenAIConfig, SamplingConfig
from cai.engines.base import ChatPrompt, ChoiceRequest, GenerationRequest, TextPrompt
from cai.engines.encoding import Encoder
from cai.engines.openai import OpenAIEngine
from cai.errors import EngineError, RequestError, UsageError
from cai.records import Message, Usage

HELLO = ChatPrompt((Message("system", "Be kind."), Message("user", "Hello?")))
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}


def ask(name: str = "r1/draft", n: int = 1, prompt: Any = HELLO, **sampling: Any) -> GenerationRequest:
    return GenerationRequest(name, prompt, SamplingConfig(**sampling), seed=(1 << 40) + 5, n=n)


def chat_answer(path: str, body: dict[str, Any]) -> object:
    count = body.get("n", 1)
    choices = [{"index": i, "message": {"content": f"Hi {i}."}, "finish_reason": "stop"} for i in range(count)]
    return {"choices": choices[::-1], "usage": USAGE}


def text_answer(path: str, body: dict[str, Any]) -> object:
    return {"choices": [{"index": 0, "text": "Hi.", "finish_reason": "length"}], "usage": {"prompt_tokens": 2}}


class Clock:
    """Takes the place of sleeping, and notes for how long it was asked to."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


def engine_for(*servers: Any, clock: Clock | None = None, **settings: Any) -> OpenAIEngine:
    config = OpenAIConfig(model="m", base_urls=tuple(server.url for server in servers), **settings)
    return OpenAIEngine(config, pause=clock or Clock())


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_messages_go_to_the_chat_api(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server)
            await engine.start()
            answer = await engine.generate(ask(n=2, stop=("\n",), top_k=5, temperature=0.7, max_new_tokens=11))
            await engine.close()
        assert [completion.text for completion in answer.completions] == ["Hi 0.", "Hi 1."]
        assert answer.usage == Usage(9, 4, 3)
        path, _, body = server.asked[0]
        assert path == "/chat/completions"
        assert body["messages"] == [message.to_dict() for message in HELLO.messages]
        assert (body["n"], body["stop"], body["top_k"], body["max_tokens"]) == (2, ["\n"], 5, 11)
        assert 0 <= body["seed"] < 1 << 31

    run(work)


def test_token_ids_go_to_the_completions_api(stand_in: Any, families: dict[str, Any]) -> None:
    folder = str(families["chatml"].folder)

    async def work() -> None:
        async with stand_in(text_answer, [{"id": "m", "max_model_len": 60}]) as server:
            engine = engine_for(server, tokenizer=folder)
            await engine.start()
            prompt = ChatPrompt((Message("user", "Hi <|im_end|>"),))
            answer = await engine.generate(ask(prompt=prompt, max_new_tokens=500))
            ids = Encoder.load(folder).encode(prompt)
            assert server.asked[0][0] == "/completions"
            assert tuple(server.asked[0][2]["prompt"]) == ids
            assert server.asked[0][2]["max_tokens"] == 60 - len(ids)
            assert answer.completions[0].finish_reason == "length"
            assert engine.rendered(prompt) == Encoder.load(folder).rendered(prompt)
            with pytest.raises(RequestError, match="59"):
                await engine.generate(ask(prompt=TextPrompt("word " * 300)))
            await engine.close()

    run(work)


def test_greedy_copies_are_computed_once(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server)
            await engine.start()
            answer = await engine.generate(ask(n=3, temperature=0))
            await engine.close()
        assert len(answer.completions) == 3
        assert server.asked[0][2]["n"] == 1

    run(work)


def test_a_prefill_is_a_turn_to_be_continued(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server)
            await engine.start()
            await engine.generate(ask(prompt=ChatPrompt(HELLO.messages, prefill="The answer")))
            await engine.close()
        body = server.asked[0][2]
        assert body["messages"][-1] == {"role": "assistant", "content": "The answer"}
        assert body["continue_final_message"] is True

    run(work)


def failures(reply: Any) -> list[Any]:
    return [
        reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"}),
        reply(503, {"error": "busy"}, {"Retry-After": formatdate(0, usegmt=True)}),
        reply(500, b"<html>"),
        reply(200, b"{not json"),
        reply(200, [1]),
        reply(how="reset"),
    ]


def test_what_may_pass_is_tried_again(stand_in: Any, reply: Any) -> None:
    async def work() -> None:
        clock = Clock()
        async with stand_in(chat_answer) as server:
            server.cues = failures(reply)
            engine = engine_for(server, clock=clock)
            await engine.start()
            assert (await engine.generate(ask())).completions
            await engine.close()
        assert len(server.asked) == 7
        assert clock.pauses[:2] == [7.0, 0.0]
        for step, pause in enumerate(clock.pauses[2:], start=2):
            assert 0.25 * 2**step <= pause <= 0.5 * 2**step

    run(work)


def test_a_timeout_is_tried_again(stand_in: Any, reply: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            server.cues = [reply(how="hang")]
            engine = engine_for(server, timeout_s=0.2)
            await engine.start()
            assert (await engine.generate(ask())).completions
            await engine.close()

    run(work)


def test_a_refusal_is_not_tried_again_and_carries_the_servers_words(stand_in: Any, reply: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            server.cues = [reply(400, {"error": {"message": "too many tokens"}})]
            engine = engine_for(server)
            await engine.start()
            with pytest.raises(RequestError, match="too many tokens"):
                await engine.generate(ask())
            assert len(server.asked) == 1
            assert (await engine.generate(ask())).completions
            await engine.close()

    run(work)


def test_giving_up_blames_the_request_while_the_server_is_alive(stand_in: Any, reply: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server, max_retries=2)
            await engine.start()
            server.cues = [reply(500, {"error": "oops"})] * 3
            with pytest.raises(RequestError, match=r"oops.*3 tries"):
                await engine.generate(ask())
            await server.stop()
            with pytest.raises(EngineError, match="no connection"):
                await engine.generate(ask())
            await engine.close()

    run(work)


def test_a_conversation_stays_at_its_address_and_moves_on_when_that_fails(stand_in: Any, reply: Any) -> None:
    async def work() -> None:
        clock = Clock()
        async with stand_in(chat_answer) as one, stand_in(chat_answer) as two:
            engine = engine_for(one, two, clock=clock)
            await engine.start()
            for step in range(3):
                for record in range(12):
                    await engine.generate(ask(f"r{record}/{step}"))
            assert len(one.asked) + len(two.asked) == 36
            assert one.asked
            assert two.asked
            assert len(one.asked) % 3 == 0
            before = len(two.asked)
            await one.stop()
            for record in range(12):
                await engine.generate(ask(f"r{record}/9"))
            assert len(two.asked) == before + 12
            assert clock.pauses == []
            await engine.close()

    run(work)


def test_requests_under_way_are_capped(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server, max_concurrent=3)
            await engine.start()
            await asyncio.gather(*(engine.generate(ask(f"r{i}")) for i in range(20)))
            await engine.close()
        assert len(server.asked) == 20
        assert server.most_running <= 3

    run(work)


def test_nothing_at_an_address_is_one_clear_error(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            pass
        engine = engine_for(server)
        with pytest.raises(EngineError, match=f"nothing answers at {server.url}") as caught:
            await engine.start()
        assert caught.value.fix

    run(work)


def test_a_model_that_is_not_offered_is_named_at_start(stand_in: Any) -> None:
    async def work() -> None:
        async with stand_in(chat_answer, [{"id": "other"}]) as server:
            with pytest.raises(EngineError, match="offers other, not m"):
                await engine_for(server).start()

    run(work)


@pytest.mark.parametrize(("status", "started"), [(404, True), (503, False), (401, False)])
def test_a_server_is_alive_even_without_a_list_of_models(stand_in: Any, reply: Any, status: int, started: bool) -> None:
    async def work() -> None:
        async with stand_in(chat_answer) as server:
            server.model_cues = [reply(status, {"error": {"message": "no"}})]
            engine = engine_for(server)
            if started:
                await engine.start()
            else:
                with pytest.raises(EngineError):
                    await engine.start()
            await engine.close()

    run(work)


def test_the_key_is_sent_and_appears_nowhere(
    stand_in: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-very-secret"
    monkeypatch.setenv("MY_KEY", key)
    said: list[str] = []

    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server, api_key_env="MY_KEY", max_retries=0)
            await engine.start()
            await engine.generate(ask())
            assert server.asked[0][1]["authorization"] == f"Bearer {key}"
            echo = {"error": {"message": f"bad key {key}"}}
            for status in (400, 401, 500):
                server.cues = [reply(status, echo)]
                with pytest.raises((RequestError, EngineError)) as caught:
                    await engine.generate(ask())
                said.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
            said.append(repr(engine) + repr(vars(engine)))
            await engine.close()

    run(work)
    assert all("***" in text for text in said[:3])
    assert all(key not in text for text in [*said, caplog.text])


def test_credentials_in_an_address_are_not_shown() -> None:
    config = OpenAIConfig(model="m", base_urls=("http://me:hidden@127.0.0.1:9/v1",))
    with pytest.raises(EngineError) as caught:
        asyncio.run(OpenAIEngine(config).start())
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"choices": [{"index": 0, "finish_reason": "stop"}]}, "text"),
        ({"choices": []}, "0 answers"),
        ({}, "choices"),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}, "content_filter"),
    ],
)
def test_an_answer_that_is_not_one_fails_the_request(stand_in: Any, body: object, said: str) -> None:
    async def work() -> None:
        async with stand_in(lambda *_: body) as server:
            engine = engine_for(server)
            await engine.start()
            with pytest.raises(RequestError, match=said):
                await engine.generate(ask())
            await engine.close()

    run(work)


def test_what_cannot_be_asked_of_a_server_is_said(stand_in: Any) -> None:
    with pytest.raises(UsageError, match="tokenizer"):
        OpenAIEngine(OpenAIConfig(model="m", base_urls=("http://127.0.0.1:1/v1",), api="completions"))

    async def work() -> None:
        async with stand_in(chat_answer) as server:
            engine = engine_for(server)
            await engine.start()
            with pytest.raises(EngineError, match="plain text"):
                await engine.generate(ask(prompt=TextPrompt("x")))
            with pytest.raises(EngineError, match="adapter"):
                await engine.score_choices(ChoiceRequest("r", HELLO, ("A",), adapter="folder"))
            assert engine.rendered(HELLO).startswith("system: Be kind.\nuser: Hello?")
            assert engine.model == "m"
            assert engine.fingerprint
            await engine.close()

    run(work)
