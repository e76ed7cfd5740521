"""HTTP to one or several servers that offer the same model: retries, addresses, the key.

Knows status codes and JSON objects; what is asked and answered is the engine's business. The key is sent in a header
and appears nowhere else.
"""

import asyncio
import email.utils
import hashlib
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from cai.config.roles import OpenAIConfig
from cai.errors import EngineError, RequestError

Pause = Callable[[float], Awaitable[None]]

_RETRIED = (408, 409, 429)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LONGEST_RETRY_AFTER_S = 600.0
_REST_S = 30.0
_CONNECT_S = 10.0
_MESSAGE_CHARS = 500


class RefusedError(RequestError):
    """The server refused a request with a 4xx status; the same request would be refused again."""

    def __init__(self, status: int, message: str, where: str) -> None:
        super().__init__(f"the server refuses the request ({status}): {message}", where=where)
        self.status = status


class _TroubleError(Exception):
    """An attempt failed in a way that may pass. `elsewhere`: another address may do better at once."""

    def __init__(self, what: str, *, elsewhere: bool, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.elsewhere = elsewhere
        self.retry_after_s = retry_after_s


class ServerPool:
    """The addresses of one configuration.

    A conversation stays at one address, where its cached prefix is. When that address fails it goes on to the next,
    and the failing one is left alone for half a minute.

    Args:
        config: Addresses, key, limits.
        pause: Sleeps for so many seconds; tests pass another.
    """

    def __init__(self, config: OpenAIConfig, pause: Pause = asyncio.sleep) -> None:
        self._config = config
        self._pause = pause
        self._urls = [url.rstrip("/") for url in config.base_urls]
        self._resting: dict[str, float] = {}
        self._slots = asyncio.Semaphore(config.max_concurrent)
        self._jitter = random.Random()
        self._key = ""
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> list[dict[str, Any]]:
        """Check that each address is alive.

        Returns:
            The entries of each server's list of models, all together.

        Raises:
            EngineError: Nothing answers at an address, or the server refuses the key.
        """
        self._key = os.environ.get(self._config.api_key_env, "")
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(self._config.timeout_s, connect=min(_CONNECT_S, self._config.timeout_s)),
            limits=httpx.Limits(max_connections=None),
        )
        found: list[dict[str, Any]] = []
        for url in self._urls:
            found += await self._models(url)
        return found

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def post(self, path: str, body: dict[str, Any], conversation: str) -> dict[str, Any]:
        """Send a request until it is answered.

        Args:
            path: Path under the base address, such as `/completions`.
            body: The JSON to send.
            conversation: Requests of the same conversation go to the same address.

        Raises:
            RequestError: The server refuses the request, or fails on it again and again while it is alive.
            EngineError: No server is alive any more, or the key is refused.
        """
        home = int.from_bytes(hashlib.blake2b(conversation.encode(), digest_size=8).digest(), "big")
        attempt = 0
        while True:
            url = self._choose(home)
            try:
                async with self._slots:
                    return await self._once(url, path, body)
            except _TroubleError as trouble:
                if attempt == self._config.max_retries:
                    raise await self._given_up(trouble, url) from trouble
                if trouble.elsewhere:
                    self._resting[url] = time.monotonic() + _REST_S
                if not trouble.elsewhere or self._rests(self._choose(home)):
                    await self._pause(self._pause_s(attempt, trouble))
                attempt += 1

    async def _once(self, url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._client is None:
            raise EngineError("the engine is not running", where=shown(url))
        try:
            response = await self._client.post(url + path, json=body)
        except httpx.TimeoutException as error:
            raise _TroubleError(f"no answer within {self._config.timeout_s:g} s", elsewhere=True) from error
        except httpx.TransportError as error:
            raise _TroubleError(f"no connection ({type(error).__name__})", elsewhere=True) from error
        status = response.status_code
        if status >= 500 or status in _RETRIED:
            what = f"status {status}: {self._message(response)}"
            raise _TroubleError(what, elsewhere=status >= 500, retry_after_s=_retry_after(response))
        if status == 401:
            raise self._key_refused(url, response)
        if status >= 300:
            raise RefusedError(status, self._message(response), shown(url))
        try:
            answer = response.json()
        except ValueError as error:
            raise _TroubleError("an answer that is not JSON", elsewhere=False) from error
        if not isinstance(answer, dict):
            raise _TroubleError("an answer that is not a JSON object", elsewhere=False)
        self._resting.pop(url, None)
        return answer

    def _choose(self, home: int) -> str:
        """The conversation's own address, or the next that is not left alone; if all are, the first to come back."""
        order = [self._urls[(home + step) % len(self._urls)] for step in range(len(self._urls))]
        return min(order, key=lambda url: self._resting[url] if self._rests(url) else 0.0)

    def _rests(self, url: str) -> bool:
        return self._resting.get(url, 0.0) > time.monotonic()

    def _pause_s(self, attempt: int, trouble: _TroubleError) -> float:
        if trouble.retry_after_s is not None:
            return min(trouble.retry_after_s, _LONGEST_RETRY_AFTER_S)
        longest: float = min(_FIRST_PAUSE_S * 2.0**attempt, _LONGEST_PAUSE_S)
        return longest * self._jitter.uniform(0.5, 1.0)

    async def _given_up(self, trouble: _TroubleError, url: str) -> RequestError | EngineError:
        """Whose fault is it: the request's, if a server is alive; the servers', if none is."""
        what = f"{trouble.what}; given up after {self._config.max_retries + 1} tries"
        for other in self._urls:
            try:
                await self._models(other)
            except EngineError:
                continue
            return RequestError(what, where=shown(url), fix="the record is asked again when the run is resumed")
        return EngineError(what, where=shown(url), fix="see whether the server still runs, then resume the run")

    async def _models(self, url: str) -> list[dict[str, Any]]:
        if self._client is None:
            raise EngineError("the engine is not running", where=shown(url))
        try:
            response = await self._client.get(f"{url}/models")
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise EngineError(
                f"nothing answers at {shown(url)} ({type(error).__name__})",
                where="base_urls",
                fix="start the server, or correct the address; it ends in /v1",
            ) from error
        if response.status_code in (401, 403):
            raise self._key_refused(url, response)
        if response.status_code >= 500:
            raise EngineError(
                f"{shown(url)} answers with status {response.status_code}: {self._message(response)}",
                where="base_urls",
                fix="wait until the server is ready, or look at its log",
            )
        # A server without a list of models is alive all the same.
        try:
            entries = response.json().get("data", []) if response.status_code == 200 else []
        except (ValueError, AttributeError):
            return []
        return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []

    def _key_refused(self, url: str, response: httpx.Response) -> EngineError:
        name = self._config.api_key_env
        state = "refuses the key" if self._key else "wants a key"
        return EngineError(
            f"the server at {shown(url)} {state}: {self._message(response)}",
            where="api_key_env",
            fix=f"put a valid key into the environment variable {name}",
        )

    def _message(self, response: httpx.Response) -> str:
        """What the server says of its refusal, the key taken out in case it repeats it."""
        try:
            body = response.json()
        except ValueError:
            text = response.text
        else:
            error = body.get("error", body) if isinstance(body, dict) else body
            text = str(error.get("message") or error.get("detail") or error) if isinstance(error, dict) else str(error)
        if self._key:
            text = text.replace(self._key, "***")
        return " ".join(text.split())[:_MESSAGE_CHARS]


def shown(url: str) -> str:
    """An address as it may be shown: without user name and password."""
    try:
        return str(httpx.URL(url).copy_with(username=None, password=None))
    except httpx.InvalidURL:
        return url.rpartition("@")[2]


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait: a number, or a date."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if 0 <= seconds < float("inf") else 0.0
