"""Any server with the OpenAI API as an engine: token ids to `/completions`, or messages to `/chat/completions`.

Knows the two request and response formats; the way there is `server_pool`.
"""

import asyncio
import json
import math
from collections.abc import Iterable
from typing import Any

from cai.config.roles import OpenAIConfig
from cai.engines.base import (
    ChatPrompt,
    ChoiceRequest,
    ChoiceScores,
    Completion,
    EnginePrompt,
    Generation,
    GenerationRequest,
)
from cai.engines.choices import NextTokens, score_choices
from cai.engines.encoding import Encoder
from cai.engines.server_pool import Pause, RefusedError, ServerPool
from cai.errors import EngineError, RequestError, UsageError
from cai.records import Usage, content_hash

_SEED_MASK = (1 << 31) - 1
_TOP = 20
_FEWER = 5
_LEAST_REST = 1e-6
_MUCH = 0.01
_ID_MARK = "token_id:"


class OpenAIEngine:
    """One model behind one or several addresses.

    With a `tokenizer` prompts are encoded here and sent as token ids: no text in them can become a control token.
    Without one, messages are sent and the server renders and tokenises them; most servers, vLLM's among them, then
    take a control token written out in a message for the real one.

    Args:
        config: The engine's settings.
        pause: Sleeps for so many seconds between tries; tests pass another.

    Raises:
        UsageError: `api: completions` without a tokenizer.
    """

    def __init__(self, config: OpenAIConfig, *, pause: Pause = asyncio.sleep) -> None:
        if config.api == "completions" and config.tokenizer is None:
            raise UsageError(
                "api is completions, but there is no tokenizer to encode prompts with",
                where="tokenizer",
                fix="set `tokenizer` to the model's folder or hub name, or `api: chat`",
            )
        self._config = config
        self._ids = config.tokenizer is not None and config.api != "chat"
        self._pool = ServerPool(config, pause)
        self._encoder: Encoder | None = None
        self._longest: int | None = None
        self._score_form = 0

    @property
    def model(self) -> str:
        """The name under which the servers offer the model."""
        return self._config.model

    @property
    def fingerprint(self) -> str:
        """Hash of the model's name, the way it is asked, and the tokenizer.

        The weights behind a name cannot be seen from here: pin them where the server is started.
        """
        tokenizer = self._encoder.fingerprint if self._encoder is not None else ""
        return content_hash("openai", self._config.model, self._ids, tokenizer)

    async def start(self) -> None:
        """Read the tokenizer and check each address.

        Raises:
            EngineError: Nothing answers at an address, it does not offer the model, or the tokenizer cannot be read.
        """
        if self._ids and self._config.tokenizer is not None:
            self._encoder = await asyncio.to_thread(Encoder.load, self._config.tokenizer)
        try:
            entries = await self._pool.open()
        except EngineError:
            await self._pool.close()
            raise
        offered = [str(entry["id"]) for entry in entries if "id" in entry]
        if offered and self._config.model not in offered:
            await self._pool.close()
            raise EngineError(
                f"the server offers {', '.join(sorted(set(offered))[:8])}, not {self._config.model}",
                where="model",
                fix="set `model` to a name that the server offers",
            )
        lengths = [entry.get("max_model_len") for entry in entries if entry.get("id") == self._config.model]
        known = [length for length in lengths if isinstance(length, int)]
        self._longest = min(known) if known else None

    async def generate(self, request: GenerationRequest) -> Generation:
        """Answer a prompt.

        Raises:
            RequestError: The server refuses this request or fails on it again and again; a prompt is too long.
            EngineError: No server is there any more.
        """
        self._check(request)
        sampling = request.sampling
        # Greedy answers are all the same, and vLLM's server refuses to compute them twice.
        copies = request.n if sampling.temperature == 0 else 1
        body: dict[str, Any] = {
            "model": self._config.model,
            "n": request.n // copies,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "seed": request.seed & _SEED_MASK,
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.top_k:
            body["top_k"] = sampling.top_k
        body |= self._held_to(request.schema)
        if self._encoder is not None:
            ids = self._encoder.encode(request.prompt)
            body["prompt"] = list(ids)
            body["max_tokens"] = self._room(request.request_id, ids, sampling.max_new_tokens)
        else:
            body |= _messages(request.prompt, request.request_id)
        answer = await self._post(body, request.request_id)
        try:
            choices = sorted(answer["choices"], key=lambda choice: choice.get("index", 0))
            completions = tuple(_completion(choice, request.request_id) for choice in choices)
        except (KeyError, TypeError, AttributeError) as error:
            raise RequestError(f"the server's answer has no {error}", where=request.request_id) from error
        if len(completions) != body["n"]:
            raise RequestError(f"{len(completions)} answers where {body['n']} were asked", where=request.request_id)
        return Generation(completions * copies, _usage(answer, generated=True))

    def _held_to(self, schema: str | None) -> dict[str, Any]:
        """How a server is told to answer in JSON of a schema: chat has a standard way, completions have vLLM's own."""
        if schema is None:
            return {}
        if self._encoder is not None:
            return {"structured_outputs": {"json": json.loads(schema)}}
        named = {"name": "answer", "schema": json.loads(schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": named}}

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        """Log-probabilities of the given continuations.

        With token ids: one question for each beginning of the choices (one in all if each is a single token). vLLM's
        server gives the log-probability of every token that is asked for; other servers give those of their likeliest
        tokens, 20 at most. Without token ids: the likeliest first tokens alone, told apart by their text without outer
        white space; a choice of several tokens is known by the token that begins it and no other choice.

        What is not among the likeliest tokens gets an upper bound, not its value: the least log-probability that was
        listed, or that of all the mass not listed (taken as at least 1e-6), whichever is smaller. The mass that the
        choices together are said to have is then too large rather than too small, but still next to nothing.

        Raises:
            RequestError: The server refuses this request or fails on it again and again; a prompt is too long; without
                token ids: no choice is listed, or one cannot be told from another that it begins.
            EngineError: No server is there any more, or it gives no log-probabilities.
        """
        self._check(request)
        if self._encoder is None:
            return await self._score_by_text(request)
        encoder = self._encoder
        ids = encoder.encode(request.prompt)

        async def ask(before: tuple[int, ...], candidates: tuple[int, ...]) -> NextTokens:
            prompt = ids + before
            self._room(request.request_id, prompt, 1)
            asked = {"prompt": list(prompt)}
            by_id = {"logprob_token_ids": list(candidates), "return_tokens_as_token_ids": True}
            forms: list[dict[str, Any]] = [{"logprobs": _TOP, **by_id}, {"logprobs": _TOP}, {"logprobs": _FEWER}]
            answer = await self._post_a_form(asked, forms, request.request_id)
            listed = _listed_completion(answer)
            texts = {token: encoder.decode((token,)) for token in candidates}
            rest = _bound(listed.values())
            scores = {token: listed.get(f"{_ID_MARK}{token}", listed.get(texts[token], rest)) for token in candidates}
            return NextTokens(scores, _usage(answer, generated=False))

        return await score_choices([encoder.choice_ids(request.prompt, choice) for choice in request.choices], ask)

    def rendered(self, prompt: EnginePrompt) -> str:
        """The text that the model sees, if there is a tokenizer; otherwise the turns, each under its role.

        Raises:
            RequestError: The chat template refuses the messages.
        """
        if self._encoder is not None:
            return self._encoder.rendered(prompt)
        if not isinstance(prompt, ChatPrompt):
            return prompt.text
        turns = [f"{message.role}: {message.content}" for message in prompt.messages]
        return "\n".join([*turns, f"assistant: {prompt.prefill}"])

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        await self._pool.close()

    def _check(self, request: GenerationRequest | ChoiceRequest) -> None:
        if request.adapter is not None:
            raise EngineError(
                "a server cannot be told to load an adapter",
                where=request.request_id,
                fix="serve the adapter under a model name of its own, as a second engine",
            )

    def _room(self, request_id: str, ids: tuple[int, ...], wanted: int) -> int:
        """Tokens to ask for: `wanted`, or what the model's length leaves."""
        if self._longest is None:
            return wanted
        if len(ids) >= self._longest:
            raise RequestError(
                f"the prompt has {len(ids)} tokens, and the model takes {self._longest - 1} and one to answer",
                where=request_id,
                fix="use shorter prompts, fewer rounds or `generate.history: latest`",
            )
        return min(wanted, self._longest - len(ids))

    async def _post(self, body: dict[str, Any], request_id: str) -> dict[str, Any]:
        path = "/completions" if self._encoder is not None else "/chat/completions"
        return await self._pool.post(path, body, request_id.partition("/")[0])

    async def _post_a_form(self, asked: dict[str, Any], forms: list[dict[str, Any]], request_id: str) -> dict[str, Any]:
        """Ask for log-probabilities in the first form that the server accepts, and remember which it was."""
        common = {"model": self._config.model, "max_tokens": 1, "temperature": 1.0, **asked}
        refusal: RefusedError | None = None
        for index in range(self._score_form, len(forms)):
            try:
                answer = await self._post(common | forms[index], request_id)
            except RefusedError as error:
                if error.status not in (400, 422):
                    raise
                refusal = refusal or error
                continue
            self._score_form = index
            return answer
        assert refusal is not None
        raise refusal

    async def _score_by_text(self, request: ChoiceRequest) -> ChoiceScores:
        forms = [{"logprobs": True, "top_logprobs": top} for top in (_TOP, _FEWER)]
        asked = _messages(request.prompt, request.request_id)
        answer = await self._post_a_form(asked, forms, request.request_id)
        listed = _listed_chat(answer)
        rest = _bound(score for _, score in listed)
        if not any(_names(token, choice, request.choices) for token, _ in listed for choice in request.choices):
            # Bounds alone would be the same for all: a tie that nobody decided.
            raise RequestError(
                f"none of {', '.join(request.choices)} is among the likeliest replies that the server lists",
                where=request.request_id,
                fix="the model may not follow the form of the question: use another, or edit the template",
            )
        scores: list[float] = []
        for choice in request.choices:
            found = [score for token, score in listed if _names(token, choice, request.choices)]
            scores.append(_log_sum(found) if found else rest)
            if found and math.exp(scores[-1]) > _MUCH and _goes_on(choice, request.choices, listed):
                raise RequestError(
                    f"the server does not tell {choice} from a longer answer that begins with it",
                    where=request.request_id,
                    fix="set `tokenizer` to the model's folder or hub name, so that token ids are sent",
                )
        return ChoiceScores(tuple(scores), _usage(answer, generated=False))


def _messages(prompt: EnginePrompt, request_id: str) -> dict[str, Any]:
    """The chat part of a request. The two flags with a prefill are vLLM's and SGLang's; a server that does not know
    them answers the prefill instead of continuing it."""
    if not isinstance(prompt, ChatPrompt):
        raise EngineError(
            "plain text cannot be sent to the chat API",
            where=request_id,
            fix="set `tokenizer`, so that token ids are sent to /completions",
        )
    messages = [message.to_dict() for message in prompt.messages]
    if not prompt.prefill:
        return {"messages": messages}
    messages.append({"role": "assistant", "content": prompt.prefill})
    return {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}


def _completion(choice: dict[str, Any], request_id: str) -> Completion:
    reason = choice.get("finish_reason")
    if reason in ("content_filter", "abort", "error"):
        raise RequestError(f"the server ended the answer: {reason}", where=request_id)
    if "message" in choice:
        text = choice["message"].get("content") or choice["message"].get("refusal") or ""
    else:
        text = choice["text"]
    return Completion(str(text), reason if reason in ("length", "repetition") else "stop")


def _usage(answer: dict[str, Any], *, generated: bool) -> Usage:
    usage = answer.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(usage.get("prompt_tokens") or 0, cached, (usage.get("completion_tokens") or 0) if generated else 0)


def _listed_completion(answer: dict[str, Any]) -> dict[str, float]:
    """Tokens (text, or `token_id:` and the id) and their log-probabilities, from `/completions`."""
    try:
        listed = dict(answer["choices"][0]["logprobs"]["top_logprobs"][0])
    except (KeyError, IndexError, TypeError) as error:
        raise _no_logprobs() from error
    return listed


def _listed_chat(answer: dict[str, Any]) -> list[tuple[str, float]]:
    """Texts of tokens and their log-probabilities, from `/chat/completions`."""
    try:
        first = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        listed = [(str(entry["token"]), float(entry["logprob"])) for entry in first]
    except (KeyError, IndexError, TypeError) as error:
        raise _no_logprobs() from error
    if not listed:
        raise _no_logprobs()
    return listed


def _no_logprobs() -> EngineError:
    return EngineError(
        "the server gives no log-probabilities, so answers cannot be scored",
        where="base_urls",
        fix="use a server that gives them, such as vLLM's, or another engine for the labeler",
    )


def _names(token: str, choice: str, choices: Iterable[str]) -> bool:
    """Whether a first token stands for this choice and no other one."""
    text = token.strip()
    if text == choice.strip():
        return True
    others = [other.strip() for other in choices if other != choice]
    return bool(text) and choice.strip().startswith(text) and not any(other.startswith(text) for other in others)


def _goes_on(choice: str, choices: Iterable[str], listed: Iterable[tuple[str, float]]) -> bool:
    """Whether a token that is one choice may be the beginning of another, which was not listed as one token."""
    seen = {token.strip() for token, _ in listed}
    longer = {other.strip() for other in choices} - {choice.strip()} - seen
    return any(other.startswith(choice.strip()) for other in longer)


def _bound(listed: Iterable[float]) -> float:
    """The most that the log-probability of a token can be that is not among the listed, likeliest ones."""
    scores = list(listed)
    rest = 1.0 - math.fsum(math.exp(score) for score in scores)
    return min([math.log(max(rest, _LEAST_REST)), *scores])


def _log_sum(scores: list[float]) -> float:
    top = max(scores)
    return top + math.log(math.fsum(math.exp(score - top) for score in scores))
