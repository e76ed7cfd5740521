"""Lets the labelers judge one comparison as one step of its record; see `cai.labeling.base.Judge`."""

from cai.engines.base import ChoiceRequest, ChoiceScores, EnginePrompt, GenerationRequest
from cai.errors import RequestError
from cai.labeling.base import LABELER
from cai.pipeline.steps import RecordSteps, priority
from cai.records import Reply, Usage, content_hash


class Labelers:
    """The labelers of one comparison; adds up what they took.

    Args:
        steps: The steps of the record.
        number: Which comparison of the record.
    """

    def __init__(self, steps: RecordSteps, number: int) -> None:
        self._steps = steps
        self._number = number
        self.usage = Usage()

    async def score(
        self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
    ) -> ChoiceScores:
        """How likely each choice is to a labeler."""
        crew = self._steps.crew
        engine = crew.engine(role)
        request_id = self._request_id(name, role)
        scores = await engine.score_choices(
            ChoiceRequest(request_id, prompt, choices, priority("label"), crew.roles[role].adapter)
        )
        self.usage += scores.usage
        if self._steps.trace:
            shown = "  ".join(f"{c}: {p:.3f}" for c, p in zip(choices, scores.logprobs, strict=True))
            self._steps.trace("label", self._number, engine.rendered(prompt), f"log-probabilities  {shown}")
        return scores

    async def write(self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()) -> Reply:
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
            GenerationRequest(request_id, prompt, sampling, seed, priority("label"), adapter=settings.adapter)
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
        return asked if role == LABELER else f"{asked}/{role}"
