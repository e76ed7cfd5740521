"""Asks one model many things at once, and nothing that the ledger knows.

The engine is started only if something is still owed. Nothing here knows what is asked.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cai.config.evaluation import EvaluationConfig, ModelConfig
from cai.dialogue import Stagecraft
from cai.engines.base import Engine
from cai.engines.bounded import run_bounded
from cai.errors import RequestError, TemplateError
from cai.evaluation.one_engine import OneEngine
from cai.evaluation.stats import EvaluationStats
from cai.records import Usage
from cai.resources import resource
from cai.store.ledger import Ledger

_ERRORS = (RequestError, TemplateError)
"""What can be wrong with one question alone."""


@dataclass(frozen=True)
class Workplace:
    """What every phase of an evaluation shares."""

    config: EvaluationConfig
    ledger: Ledger
    stats: EvaluationStats
    engines: OneEngine

    def craft(self, model: ModelConfig) -> Stagecraft:
        """The templates, in the form in which a model is asked."""
        return stagecraft(self.config, model)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask.

    `asked`: hash of everything that determines the reply. `put` asks an engine, and returns the reply as the ledger is
    to keep it and what it took.
    """

    prompt_id: str
    stage: Literal["answer", "harm", "preference"]
    asked: str
    put: Callable[[Engine], Awaitable[tuple[dict[str, Any], Usage]]]


@dataclass
class Replies:
    """One reply for each question, in order; None where there is none, for the reasons in `failures`."""

    bodies: list[dict[str, Any] | None]
    failures: Counter[str] = field(default_factory=Counter)


def stagecraft(config: EvaluationConfig, model: ModelConfig) -> Stagecraft:
    """The templates, in the form in which a model is asked.

    Raises:
        TemplateError: There is no such folder, or a template is not valid.
    """
    shipped = resource("prompts")
    return Stagecraft(Path(config.prompts_dir) if config.prompts_dir else shipped, model.form, shipped)


async def ask(
    place: Workplace, name: str, doing: str, model: ModelConfig, questions: Sequence[Callable[[], Question]]
) -> Replies:
    """Every reply to the questions, from the ledger or from the model.

    Args:
        place: What the phases share.
        name: The model's name, for the log and for progress.
        doing: What it does, for progress.
        model: The model.
        questions: Each makes one question; a `RequestError` or `TemplateError` of it fails this one alone.

    Raises:
        EngineError: The engine cannot be started or fails; what was answered is kept.
    """
    replies = Replies([None] * len(questions))
    owed: dict[str, Question] = {}
    places: dict[str, list[int]] = {}
    for index, make in enumerate(questions):
        try:
            question = make()
        except _ERRORS as error:
            replies.failures[error.what] += 1
            continue
        replies.bodies[index] = place.ledger.known(question.prompt_id, question.stage, question.asked)
        if replies.bodies[index] is None:
            owed[question.asked] = question
            places.setdefault(question.asked, []).append(index)
    if owed:
        place.stats.begin(f"{name}: starting the engine")
        engine = await place.engines.of(model, name)
        place.stats.begin(f"{name}: {doing}", len(owed))
        await _put(place, engine, list(owed.values()), replies, places)
    return replies


async def _put(
    place: Workplace, engine: Engine, owed: Sequence[Question], replies: Replies, places: dict[str, list[int]]
) -> None:
    async def one(question: Question) -> None:
        waiting = places[question.asked]
        try:
            body, usage = await question.put(engine)
        except _ERRORS as error:
            replies.failures[error.what] += len(waiting)
            place.stats.count(Usage(), failed=True)
            return
        for index in waiting:
            replies.bodies[index] = body
        await place.ledger.keep(question.prompt_id, question.stage, question.asked, body, usage)
        place.stats.count(usage)

    try:
        await run_bounded(owed, one, place.config.max_in_flight)
    finally:
        await place.ledger.flush()
