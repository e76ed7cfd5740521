"""Runs the steps of one record: asks the engine, keeps the result, and takes from the journal what is there already.

A step is taken from the journal only if it was asked in exactly the same words, with the same sampling, seed and model.
So whatever is edited between two sessions, just the steps that it changes run again.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cai.config.roles import RoleConfig
from cai.constitution.schema import Principle
from cai.dialogue import Dialogue
from cai.engines.base import ChoiceRequest, ChoiceScores, Engine, EnginePrompt, GenerationRequest
from cai.errors import RequestError
from cai.pipeline.stats import RunStats
from cai.records import Reply, Step, Usage, content_hash
from cai.store.reader import StepKey

# Later stages first: a conversation that is under way finishes, and its cached prefix is still there.
PRIORITY = {"label": 0, "revision": 1, "critique": 2, "sample": 3, "draft": 4}


class StepSink(Protocol):
    """Where finished steps go; the journal is one."""

    async def add_step(self, step: Step) -> None: ...


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


@dataclass
class RecordSteps:
    """The steps of one record.

    Args:
        record_id: The prompt's id.
        seed: Seed of the run.
        known: Steps of earlier sessions.
    """

    record_id: str
    seed: int
    crew: Crew
    known: Mapping[StepKey, Step]
    sink: StepSink
    stats: RunStats
    trace: Trace | None = None

    async def ask(
        self, role: str, stage: str, round_: int, dialogue: Dialogue, principle: Principle | None = None
    ) -> Reply:
        """Let a role write the next turn; see `cai.critique.base.Ask`."""
        extra = {} if principle is None else {"principle_id": principle.id}
        texts = await self.sample(role, stage, round_, dialogue, extra=extra)
        return texts[0]

    async def sample(
        self,
        role: str,
        stage: str,
        round_: int,
        dialogue: Dialogue,
        *,
        n: int = 1,
        extra: Mapping[str, Any] | None = None,
    ) -> list[Reply]:
        """Draw `n` answers in one request.

        Raises:
            RequestError: The request was refused, or an answer is empty.
        """
        settings = self.crew.roles[role]
        sampling = settings.sampling.model_copy(update={"stop": (*settings.sampling.stop, *dialogue.stops)})
        seed = int(content_hash(self.seed, self.record_id, stage, round_), 16) & 0x7FFFFFFF
        prompt = dialogue.prompt
        engine = self.crew.engine(role)
        sampled = sampling.model_dump(mode="json")
        named = dict(extra or {})
        asked = content_hash(asdict(prompt), sampled, seed, n, settings.adapter, engine.fingerprint, named)
        step = self._known(stage, round_, asked)
        if step is None:
            request = GenerationRequest(
                self._request_id(stage, round_), prompt, sampling, seed, PRIORITY[stage], n, settings.adapter
            )
            generation = await engine.generate(request)
            replies = [Reply(c.text.strip(), c.finish_reason) for c in generation.completions]
            body = {**named, **_body(replies)}
            await self._keep(stage, round_, asked, body, generation.usage, all(reply.text for reply in replies))
        else:
            replies = _replies(step.body)
        if self.trace:
            self.trace(stage, round_, engine.rendered(prompt), "\n----\n".join(reply.text for reply in replies))
        if not all(reply.text for reply in replies):
            raise RequestError(f"empty {stage}", where=self._request_id(stage, round_))
        return replies

    async def judged(self, number: int, asked_of: Any, make: Callable[["Scorer"], Any]) -> dict[str, Any]:
        """A label step: `make` is given the scorer and returns the step's body.

        Args:
            number: Which comparison of the record.
            asked_of: Everything that determines the requests, JSON-able.
            make: Coroutine function that asks through the scorer.
        """
        settings = self.crew.roles["labeler"]
        asked = content_hash(asked_of, settings.adapter, self.crew.engine("labeler").fingerprint)
        step = self._known("label", number, asked)
        if step is not None:
            return step.body
        scorer = Scorer(self, number)
        body: dict[str, Any] = await make(scorer)
        await self._keep("label", number, asked, body, scorer.usage, done=True)
        return body

    def _request_id(self, stage: str, round_: int) -> str:
        return f"{self.record_id}/{stage}/{round_}"

    def _known(self, stage: str, round_: int, asked: str) -> Step | None:
        step = self.known.get(StepKey(stage, round_, 0))
        if step is None or step.asked != asked or step.status != "done":
            return None
        self.stats.reused[stage] += 1
        return step

    async def _keep(self, stage: str, round_: int, asked: str, body: dict[str, Any], usage: Usage, done: bool) -> None:
        step = Step(self.record_id, stage, round_, 0, asked, "done" if done else "failed", body, usage)
        await self.sink.add_step(step)
        self.stats.count(stage, usage)


class Scorer:
    """Lets labelers judge one comparison and adds up what it took; see `cai.labeling.base.Judge`."""

    def __init__(self, steps: RecordSteps, number: int) -> None:
        self._steps = steps
        self._number = number
        self.usage = Usage()

    async def score(
        self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = "labeler"
    ) -> ChoiceScores:
        """How likely each choice is to a labeler."""
        crew = self._steps.crew
        engine = crew.engine(role)
        request_id = self._request_id(name, role)
        scores = await engine.score_choices(
            ChoiceRequest(request_id, prompt, choices, PRIORITY["label"], crew.roles[role].adapter)
        )
        self.usage += scores.usage
        if self._steps.trace:
            shown = "  ".join(f"{c}: {p:.3f}" for c, p in zip(choices, scores.logprobs, strict=True))
            self._steps.trace("label", self._number, engine.rendered(prompt), f"log-probabilities  {shown}")
        return scores

    async def write(self, name: str, prompt: EnginePrompt, role: str = "labeler", stops: tuple[str, ...] = ()) -> Reply:
        """What a labeler writes.

        Raises:
            RequestError: It writes nothing.
        """
        crew = self._steps.crew
        engine, settings = crew.engine(role), crew.roles[role]
        request_id = self._request_id(name, role)
        seed = int(content_hash(self._steps.seed, request_id), 16) & 0x7FFFFFFF
        sampling = settings.sampling.model_copy(update={"stop": (*settings.sampling.stop, *stops)})
        generation = await engine.generate(
            GenerationRequest(request_id, prompt, sampling, seed, PRIORITY["label"], adapter=settings.adapter)
        )
        self.usage += generation.usage
        completion = generation.completions[0]
        reply = Reply(completion.text.strip(), completion.finish_reason)
        if self._steps.trace:
            self._steps.trace("label", self._number, engine.rendered(prompt), reply.text)
        if not reply.text:
            raise RequestError("empty rationale", where=request_id)
        return reply

    def _request_id(self, name: str, role: str) -> str:
        asked = f"{self._steps.record_id}/label/{self._number}/{name}"
        return asked if role == "labeler" else f"{asked}/{role}"


def _body(replies: list[Reply]) -> dict[str, Any]:
    if len(replies) == 1:
        return {"text": replies[0].text, "finish_reason": replies[0].finish_reason}
    return {"texts": [r.text for r in replies], "finish_reasons": [r.finish_reason for r in replies]}


def _replies(body: Mapping[str, Any]) -> list[Reply]:
    if "text" in body:
        return [Reply(body["text"], body["finish_reason"])]
    return [Reply(*pair) for pair in zip(body["texts"], body["finish_reasons"], strict=True)]
