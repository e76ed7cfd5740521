"""Lets one model answer prompts, many at once; what it answered before is taken from the ledger.

The engine is started only if something is still to be asked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cai.config.evaluation import EvaluationConfig, ModelConfig
from cai.config.roles import SamplingConfig
from cai.dialogue import Dialogue, Stagecraft
from cai.engines.base import Engine, GenerationRequest
from cai.engines.bounded import run_bounded
from cai.engines.build import started_engine
from cai.engines.identity import model_identity
from cai.errors import RequestError, TemplateError
from cai.evaluation.ledger import Ledger
from cai.evaluation.stats import EvaluationStats
from cai.records import Prompt, Usage, content_hash
from cai.resources import resource

REQUEST_ERRORS = (RequestError, TemplateError)
"""What can be wrong with one request alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one prompt."""

    text: str
    finish_reason: str


@dataclass
class Answers:
    """A model's answers by prompt id, and why others are missing."""

    name: str
    identity: str
    by_prompt: dict[str, Answer] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Workplace:
    """What every phase of an evaluation shares."""

    config: EvaluationConfig
    ledger: Ledger
    stats: EvaluationStats
    logs: Path

    def craft(self, model: ModelConfig) -> Stagecraft:
        """The templates, in the form in which a model is asked."""
        folder = Path(self.config.prompts_dir) if self.config.prompts_dir else resource("prompts")
        return Stagecraft(folder, model.form)


@dataclass(frozen=True)
class _Question:
    prompt: Prompt
    dialogue: Dialogue
    sampling: SamplingConfig
    seed: int

    def asked(self, identity: str) -> str:
        """Hash of everything that determines the answer."""
        return content_hash(identity, asdict(self.dialogue.prompt), self.sampling.model_dump(mode="json"), self.seed)


async def answer(place: Workplace, name: str, prompts: Mapping[str, Prompt]) -> Answers:
    """The answers of the model of that name to prompts by id.

    Raises:
        EngineError: The model is missing or its engine fails; what was answered is kept.
    """
    config = place.config
    model = config.models[name]
    found = Answers(name, model_identity(model.engine, model.adapter))
    owed = _not_known(place, found, place.craft(model), prompts)
    if owed:
        place.stats.begin(f"{name}: starting the engine")
        log = place.logs / f"engine-{name}.log"
        adapters = (model.adapter,) if model.adapter else ()
        async with started_engine(model.engine, log_path=log, adapters=adapters) as engine:
            place.stats.begin(f"{name}: answering", len(owed))
            await _ask(place, engine, found, owed)
    return found


def _not_known(place: Workplace, found: Answers, craft: Stagecraft, prompts: Mapping[str, Prompt]) -> list[_Question]:
    """Take what the ledger knows into `found`; what is left is owed."""
    owed = []
    for prompt in prompts.values():
        try:
            question = _question(place.config, craft, prompt)
        except REQUEST_ERRORS as error:
            found.failures[error.what] += 1
            continue
        known = place.ledger.known(prompt.id, "answer", question.asked(found.identity))
        if known is None:
            owed.append(question)
        else:
            found.by_prompt[prompt.id] = Answer(**known)
    return owed


def _question(config: EvaluationConfig, craft: Stagecraft, prompt: Prompt) -> _Question:
    dialogue = craft.opened(prompt.messages)
    sampling = config.sampling.model_copy(update={"stop": (*config.sampling.stop, *dialogue.stops)})
    seed = int(content_hash(config.seed, prompt.id, "evaluation"), 16) & 0x7FFFFFFF
    return _Question(prompt, dialogue, sampling, seed)


async def _ask(place: Workplace, engine: Engine, found: Answers, owed: Iterable[_Question]) -> None:
    adapter = place.config.models[found.name].adapter

    async def one(question: _Question) -> None:
        prompt_id = question.prompt.id
        request = GenerationRequest(
            f"{prompt_id}/answer", question.dialogue.prompt, question.sampling, question.seed, adapter=adapter
        )
        try:
            generation = await engine.generate(request)
        except REQUEST_ERRORS as error:
            found.failures[error.what] += 1
            place.stats.count(Usage(), failed=True)
            return
        completion = generation.completions[0]
        body: dict[str, Any] = {"text": completion.text.strip(), "finish_reason": completion.finish_reason}
        found.by_prompt[prompt_id] = Answer(**body)
        await place.ledger.keep(prompt_id, "answer", question.asked(found.identity), body, generation.usage)
        place.stats.count(generation.usage)

    try:
        await run_bounded(owed, one, place.config.max_in_flight)
    finally:
        await place.ledger.flush()
