"""A judge whose labelers are roles on started engines."""

from collections.abc import Callable, Mapping

from cai.config.roles import RoleConfig
from cai.engines.base import ChoiceRequest, ChoiceScores, Engine, EnginePrompt, GenerationRequest
from cai.errors import RequestError
from cai.labeling.base import LABELER
from cai.records import Reply, Usage, content_hash

Seen = Callable[[str, str], None]
"""Called with the exact prompt of a request and what came back."""


class EngineJudge:
    """Asks the labelers of one comparison and adds up what it took; see `cai.labeling.base.Judge`.

    Args:
        request_id: Begins the name of every request.
        seed: Seeds what labelers write.
        roles: The labelers by name.
        engines: Started, by the keys that the roles name.
        priority: Of the requests; smaller ones run first.
        seen: Called after each request.
    """

    def __init__(
        self,
        request_id: str,
        seed: int,
        roles: Mapping[str, RoleConfig],
        engines: Mapping[str, Engine],
        priority: int = 0,
        seen: Seen | None = None,
    ) -> None:
        self._request_id = request_id
        self._seed = seed
        self._roles = roles
        self._engines = engines
        self._priority = priority
        self._seen = seen
        self.usage = Usage()

    async def score(
        self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
    ) -> ChoiceScores:
        """Log-probabilities of given continuations.

        Raises:
            RequestError: The engine refuses.
        """
        settings = self._roles[role]
        engine = self._engines[settings.engine]
        request = ChoiceRequest(self._named(name, role), prompt, choices, self._priority, settings.adapter)
        scores = await engine.score_choices(request)
        self.usage += scores.usage
        if self._seen:
            shown = "  ".join(f"{c}: {p:.3f}" for c, p in zip(choices, scores.logprobs, strict=True))
            self._seen(engine.rendered(prompt), f"log-probabilities  {shown}")
        return scores

    async def write(self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()) -> Reply:
        """What a labeler writes.

        Raises:
            RequestError: The engine refuses, or nothing was written.
        """
        settings = self._roles[role]
        request_id = self._named(name, role)
        sampling = settings.sampling.model_copy(update={"stop": (*settings.sampling.stop, *stops)})
        seed = int(content_hash(self._seed, request_id), 16) & 0x7FFFFFFF
        engine = self._engines[settings.engine]
        request = GenerationRequest(request_id, prompt, sampling, seed, self._priority, adapter=settings.adapter)
        generation = await engine.generate(request)
        self.usage += generation.usage
        written = generation.completions[0]
        reply = Reply(written.text.strip(), written.finish_reason)
        if self._seen:
            self._seen(engine.rendered(prompt), reply.text)
        if not reply.text:
            raise RequestError("the labeler wrote nothing", where=request_id)
        return reply

    def _named(self, name: str, role: str) -> str:
        return f"{self._request_id}/{name}" if role == LABELER else f"{self._request_id}/{name}/{role}"
