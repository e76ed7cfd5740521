"""Runs the steps of one record: asks the engine, keeps the result, and takes from the journal what is there already.

A step is taken from the journal only if it was asked in exactly the same words, with the same sampling, seed and model.
So whatever is edited between two sessions, just the steps that it changes run again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from cai.config.roles import RoleConfig
from cai.dialogue import Dialogue
from cai.engines.base import ChoiceRequest, Engine, GenerationRequest
from cai.errors import RequestError
from cai.pipeline.stats import RunStats
from cai.records import Reply, Step, Usage, content_hash
from cai.store.reader import StepKey

# Later stages first: a conversation that is under way finishes, and its cached prefix is still there.
_PRIORITY = {"label": 0, "revision": 1, "critique": 2, "sample": 3, "draft": 4}


def priority(stage: str) -> int:
    """Which requests the engine runs first (smaller is sooner), by the part of the stage's name before the slash."""
    return _PRIORITY[stage.split("/", maxsplit=1)[0]]


class StepSink(Protocol):
    """Where finished steps go; the journal is one."""

    async def add_step(self, step: Step) -> None: ...


class StepOwed(Exception):
    """Raised in place of asking an engine, where nothing is to be asked: the record is not finished."""


Trace = Callable[[str, int, str, str], None]
"""Called with stage, round, the exact prompt, and what came back."""


@dataclass(frozen=True)
class Crew:
    """Roles on started engines."""

    roles: Mapping[str, RoleConfig]
    engines: Mapping[str, Engine]

    def engine(self, role: str) -> Engine:
        """The engine of a role."""
        return self.engines[self.roles[role].engine]

    def identity(self, role: str) -> tuple[Any, ...]:
        """What determines the answers of a role, apart from its prompts; JSON-able."""
        settings = self.roles[role]
        return settings.adapter, self.engine(role).fingerprint, settings.sampling.model_dump(mode="json")


class Limits(NamedTuple):
    """What binds one request beyond the sampling of its role."""

    schema: str | None = None
    max_new_tokens: int | None = None
    least_temperature: float = 0.0


NO_LIMITS = Limits()


@dataclass
class RecordSteps:
    """The steps of one record.

    Args:
        record_id: The prompt's id.
        seed: Seed of the run.
        known: Steps of earlier sessions.
        sink: Where finished steps go; None to ask nothing, and raise `StepOwed` at the first step that is not known.
    """

    record_id: str
    seed: int
    crew: Crew
    known: Mapping[StepKey, Step]
    sink: StepSink | None
    stats: RunStats
    trace: Trace | None = None

    async def write(
        self,
        role: str,
        key: StepKey,
        dialogue: Dialogue,
        named: Mapping[str, Any] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Reply:
        """Let a role write the next turn of a dialogue.

        Args:
            role: Who writes.
            key: Which step it is.
            dialogue: What the role has before it.
            named: What else the step's body shall say, such as the principles.
            limits: What binds the request.

        Raises:
            RequestError: The request was refused, or the answer is empty.
        """
        replies = await self._written(role, key, dialogue, 1, named or {}, limits)
        return replies[0]

    async def sample(self, role: str, key: StepKey, dialogue: Dialogue, n: int) -> list[Reply]:
        """Draw `n` answers in one request; see `write`."""
        return await self._written(role, key, dialogue, n, {}, NO_LIMITS)

    async def _written(
        self, role: str, key: StepKey, dialogue: Dialogue, n: int, named: Mapping[str, Any], limits: Limits
    ) -> list[Reply]:
        settings = self.crew.roles[role]
        sampling = settings.sampling.model_copy(
            update={
                "stop": (*settings.sampling.stop, *dialogue.stops),
                "temperature": max(settings.sampling.temperature, limits.least_temperature),
                "max_new_tokens": limits.max_new_tokens or settings.sampling.max_new_tokens,
            }
        )
        # Retries draw anew; the first draw's seed does not name its number.
        drawn = (self.seed, self.record_id, key.stage, key.round, *([key.attempt] if key.attempt else []))
        seed = int(content_hash(*drawn), 16) & 0x7FFFFFFF
        prompt = dialogue.prompt
        engine = self.crew.engine(role)
        request = GenerationRequest(
            self.request_id(key), prompt, sampling, seed, priority(key.stage), n, settings.adapter, limits.schema
        )
        shown = sampling.model_dump(mode="json")
        asked = content_hash(asdict(prompt), shown, seed, n, settings.adapter, engine.fingerprint, named, limits.schema)

        async def generate() -> tuple[dict[str, Any], Usage]:
            generation = await engine.generate(request)
            replies = [Reply(c.text.strip(), c.finish_reason) for c in generation.completions]
            return {**named, **_body(replies)}, generation.usage

        step = await self.step(key, asked, generate)
        replies = _replies(step.body)
        if self.trace:
            self.trace(key.stage, key.round, engine.rendered(prompt), "\n----\n".join(reply.text for reply in replies))
        if step.status == "failed":
            raise RequestError(f"empty {key.stage}", where=request.request_id)
        return replies

    async def choose(self, role: str, key: StepKey, dialogue: Dialogue, choices: tuple[str, ...]) -> tuple[float, ...]:
        """Natural-log probabilities with which a role's next turn is each of the choices.

        Raises:
            RequestError: The request was refused.
        """
        settings, engine = self.crew.roles[role], self.crew.engine(role)
        prompt = dialogue.prompt
        request = ChoiceRequest(self.request_id(key), prompt, choices, priority(key.stage), settings.adapter)

        async def score() -> tuple[dict[str, Any], Usage]:
            scores = await engine.score_choices(request)
            return {"choices": list(choices), "logprobs": list(scores.logprobs)}, scores.usage

        asked = content_hash(asdict(prompt), choices, settings.adapter, engine.fingerprint)
        step = await self.step(key, asked, score)
        if self.trace:
            shown = "  ".join(f"{c}: {p:.3f}" for c, p in zip(choices, step.body["logprobs"], strict=True))
            self.trace(key.stage, key.round, engine.rendered(prompt), f"log-probabilities  {shown}")
        return tuple(step.body["logprobs"])

    async def keep(self, key: StepKey, body: Mapping[str, Any]) -> None:
        """Keep as a step what follows from other steps alone; asking nothing, it is always known."""
        asked = content_hash(body)
        known = self.known.get(key)
        if self.sink is not None and (known is None or known.asked != asked):
            await self.sink.add_step(Step(self.record_id, *key, asked, "done", dict(body)))

    async def step(self, key: StepKey, asked: str, make: Callable[[], Awaitable[tuple[dict[str, Any], Usage]]]) -> Step:
        """The step, from the journal if it was asked in the same words; else made, and kept.

        Args:
            key: Which step it is.
            asked: Hash of everything that determines it.
            make: Asks, and gives the body and what it took. A body with an empty text makes a failed step.

        Raises:
            StepOwed: The step is not known, and nothing is to be asked.
        """
        known = self.known.get(key)
        if known is not None and known.asked == asked and known.status == "done":
            self.stats.reused[key.stage.split("/")[0]] += 1
            return known
        if self.sink is None:
            raise StepOwed(self.request_id(key))
        body, usage = await make()
        done = all(reply.text for reply in _replies(body))
        step = Step(self.record_id, *key, asked, "done" if done else "failed", body, usage)
        await self.sink.add_step(step)
        self.stats.count(key.stage.split("/")[0], usage)
        return step

    def request_id(self, key: StepKey) -> str:
        """Name of a request, for logs and errors."""
        name = f"{self.record_id}/{key.stage}/{key.round}"
        return f"{name}/{key.attempt}" if key.attempt else name


def _body(replies: Sequence[Reply]) -> dict[str, Any]:
    if len(replies) == 1:
        return {"text": replies[0].text, "finish_reason": replies[0].finish_reason}
    return {"texts": [r.text for r in replies], "finish_reasons": [r.finish_reason for r in replies]}


def _replies(body: Mapping[str, Any]) -> list[Reply]:
    if "text" in body:
        return [Reply(body["text"], body["finish_reason"])]
    if "texts" in body:
        return [Reply(*pair) for pair in zip(body["texts"], body["finish_reasons"], strict=True)]
    return []
