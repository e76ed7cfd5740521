"""Log-probabilities of given choices from servers: exact, from the likeliest replies alone, or not to be had."""

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from cai.engines.base import ChatPrompt, ChoiceRequest
from cai.engines.encoding import Encoder
from cai.errors import EngineError, RequestError
from cai.records import Message, Usage

HELLO = ChatPrompt((Message("system", "Be kind."), Message("user", "Hello?")))
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}

Started = Callable[..., AbstractAsyncContextManager[Any]]


def scored(engine: Any, *choices: str) -> Any:
    return engine.score_choices(ChoiceRequest("r/label", HELLO, choices))


def listing(shares: dict[str, float]) -> Callable[[str, dict[str, Any]], object]:
    """A chat server that lists its likeliest first tokens with these probabilities, as they are when it is asked."""

    def answer(path: str, body: dict[str, Any]) -> object:
        listed = [{"token": token, "logprob": math.log(share)} for token, share in shares.items()]
        return {"choices": [{"logprobs": {"content": [{"top_logprobs": listed}]}}], "usage": USAGE}

    return answer


def test_vllms_server_scores_exactly_the_tokens_asked_for(started: Started, families: dict[str, Any]) -> None:
    folder = str(families["chatml"].folder)
    encoder = Encoder.load(folder)
    scores = {"A": -0.5, "B": -1.5, "zebra": -3.0}
    prompt = ChatPrompt(HELLO.messages, prefill="The answer is ")

    def answer(path: str, body: dict[str, Any]) -> object:
        listed = {f"token_id:{token}": -(i + 1) / 2 for i, token in enumerate(body["logprob_token_ids"])}
        return {"choices": [{"text": "x", "logprobs": {"top_logprobs": [listed]}}], "usage": USAGE}

    async def work() -> None:
        async with started(answer, tokenizer=folder) as (engine, server):
            single = await engine.score_choices(ChoiceRequest("r/label", prompt, ("A", "B")))
            assert single.logprobs == (-0.5, -1.0)
            assert single.usage == Usage(9, 4, 0)
            assert len(server.asked) == 1
            assert server.asked[0][2]["max_tokens"] == 1
            longer = await engine.score_choices(ChoiceRequest("r/label", prompt, ("zebra",)))
            tokens = len(encoder.choice_ids(prompt, "zebra"))
            assert tokens > 1
            assert longer.logprobs == (-0.5 * tokens,)
            assert len(server.asked) == 1 + tokens

    assert scores["A"] > scores["B"]
    asyncio.run(work())


def test_another_server_gives_its_likeliest_tokens_and_the_rest_a_bound(
    started: Started, reply: Any, families: dict[str, Any]
) -> None:
    def answer(path: str, body: dict[str, Any]) -> object:
        listed = {"A": math.log(0.6), "x": math.log(0.3)}
        return {"choices": [{"text": "A", "logprobs": {"top_logprobs": [listed]}}]}

    async def work() -> None:
        async with started(answer, tokenizer=str(families["chatml"].folder)) as (engine, server):
            server.cues = [reply(400, {"error": "unknown field"}), reply(400, {"error": "logprobs at most 5"})]
            for _ in range(2):
                scores = await scored(engine, "A", "B")
                assert scores.logprobs == pytest.approx((math.log(0.6), math.log(0.1)))
            assert [body["logprobs"] for _, _, body in server.asked] == [20, 20, 5, 5]
            assert "logprob_token_ids" not in server.asked[-1][2]
            server.cues = [reply(400, {"error": "prompt too long"})]
            with pytest.raises(RequestError, match="too long"):
                await scored(engine, "A", "B")

    asyncio.run(work())


def test_the_chat_api_scores_first_tokens_by_their_text(started: Started) -> None:
    async def work() -> None:
        async with started(listing({"A": 0.3, " A": 0.1, "No": 0.2, "Yes": 0.15, "Y": 0.05})) as (engine, _):
            letters = await scored(engine, "A", "B")
            assert letters.logprobs == pytest.approx((math.log(0.4), math.log(0.05)))
            words = await scored(engine, "None", "Yet", "Yes")
            assert words.logprobs == pytest.approx((math.log(0.2), math.log(0.05), math.log(0.15)))

    asyncio.run(work())


def test_choices_of_which_the_server_lists_none_are_no_tie(started: Started) -> None:
    async def work() -> None:
        async with started(listing({"Sure": 0.9})) as (engine, _):
            with pytest.raises(RequestError, match="none of A, B"):
                await scored(engine, "A", "B")

    asyncio.run(work())


def test_without_a_tokenizer_one_and_ten_must_be_told_apart(started: Started) -> None:
    """A server that splits digits says "1" for both: the best rating would become the worst."""
    shares = {"1": 0.6, "7": 0.3}

    async def work() -> None:
        async with started(listing(shares)) as (engine, _):
            with pytest.raises(RequestError, match="tell 1 from"):
                await scored(engine, "1", "7", "10")
            shares["10"] = 0.05
            told = await scored(engine, "1", "7", "10")
            assert told.logprobs == pytest.approx((math.log(0.6), math.log(0.3), math.log(0.05)))
            del shares["10"]
            shares["1"] = 0.001
            assert (await scored(engine, "1", "7", "10")).logprobs[2] < -2

    asyncio.run(work())


def test_a_server_without_log_probabilities_cannot_score(started: Started) -> None:
    def answer(path: str, body: dict[str, Any]) -> object:
        return {"choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}], "usage": USAGE}

    async def work() -> None:
        async with started(answer) as (engine, _):
            with pytest.raises(EngineError, match="no log-probabilities"):
                await scored(engine, "A", "B")

    asyncio.run(work())
