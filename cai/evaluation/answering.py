"""Lets a model answer the prompts, each once however many sets it is in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from cai.config.roles import SamplingConfig
from cai.dialogue import Stagecraft
from cai.engines.base import Engine, GenerationRequest
from cai.engines.identity import model_identity
from cai.evaluation.asking import Question, Workplace, ask
from cai.records import Prompt, Usage, content_hash


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one prompt."""

    text: str
    finish_reason: str


@dataclass(frozen=True)
class Answers:
    """A model's answers by prompt id, and why others are missing; `identity` is that of the model."""

    name: str
    identity: str
    by_prompt: Mapping[str, Answer]
    failures: Counter[str]


@dataclass(frozen=True)
class _Speaker:
    """A model as it is asked: its identity, adapter, templates, and the sampling and seed of its answers."""

    identity: str
    adapter: str | None
    craft: Stagecraft
    sampling: SamplingConfig
    seed: int

    def question(self, prompt: Prompt) -> Question:
        """Ask it to answer a prompt.

        Raises:
            TemplateError: The prompt is too long for a template.
        """
        dialogue = self.craft.opened(prompt.messages)
        sampling = self.sampling.model_copy(update={"stop": (*self.sampling.stop, *dialogue.stops)})
        seed = int(content_hash(self.seed, prompt.id, "evaluation"), 16) & 0x7FFFFFFF
        asked = content_hash(self.identity, asdict(dialogue.prompt), sampling.model_dump(mode="json"), seed)
        request = GenerationRequest(f"{prompt.id}/answer", dialogue.prompt, sampling, seed, adapter=self.adapter)

        async def put(engine: Engine) -> tuple[dict[str, Any], Usage]:
            generation = await engine.generate(request)
            first = generation.completions[0]
            # Half of a character, as a server may cut one, has no UTF-8 form and could not be written.
            text = first.text.strip().encode("utf-8", "replace").decode("utf-8")
            return {"text": text, "finish_reason": first.finish_reason}, generation.usage

        return Question(prompt.id, "answer", asked, put)


async def answer(place: Workplace, name: str, prompts: Mapping[str, Prompt]) -> Answers:
    """The answers of the model of that name to prompts by id.

    Raises:
        EngineError: The model is missing or its engine fails; what was answered is kept.
    """
    model = place.config.models[name]
    identity = model_identity(model.engine, model.adapter)
    speaker = _Speaker(identity, model.adapter, place.craft(model), place.config.sampling, place.config.seed)
    replies = await ask(
        place, name, "answering", model, [partial(speaker.question, prompt) for prompt in prompts.values()]
    )
    given = zip(prompts, replies.bodies, strict=True)
    by_prompt = {prompt_id: Answer(**body) for prompt_id, body in given if body is not None}
    return Answers(name, identity, by_prompt, replies.failures)
