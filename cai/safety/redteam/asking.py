"""Asks the model for texts and for choices, and nothing that the ledger knows.

The engine is started with the first question that is owed. A question that can never be answered fails alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cai.config.redteam import RedteamConfig
from cai.config.roles import SamplingConfig
from cai.engines.base import ChoiceRequest, Engine, EnginePrompt, GenerationRequest
from cai.engines.bounded import run_bounded
from cai.engines.build import started_engine
from cai.engines.identity import model_identity
from cai.errors import RequestError
from cai.records import Usage, content_hash
from cai.safety.redteam.stats import RedteamStats
from cai.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask; `put` asks an engine and returns the reply as the ledger keeps it, and what it took."""

    record_id: str
    stage: str
    asked: str
    put: Callable[[Engine], Awaitable[tuple[dict[str, Any], Usage]]]


class Asker:
    """Asks one model; leaving it stops the engine.

    Args:
        config: The settings.
        ledger: What was said before.
        stats: Counters.
        log: File for what the engine prints.
    """

    def __init__(self, config: RedteamConfig, ledger: Ledger, stats: RedteamStats, log: Path) -> None:
        self._config = config
        self._ledger = ledger
        self._stats = stats
        self._log = log
        self._stack = AsyncExitStack()
        self._engine: Engine | None = None
        self._identity: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def writing(self, record_id: str, prompt: EnginePrompt, stops: Sequence[str], seed: int) -> Question:
        """Ask for a text."""
        config = self._config
        sampling: SamplingConfig = config.sampling.model_copy(update={"stop": (*config.sampling.stop, *stops)})
        asked = content_hash(self._model, asdict(prompt), sampling.model_dump(mode="json"), seed)
        request = GenerationRequest(f"{record_id}/write", prompt, sampling, seed, adapter=config.adapter)

        async def put(engine: Engine) -> tuple[dict[str, Any], Usage]:
            generation = await engine.generate(request)
            first = generation.completions[0]
            # Half of a character, as a server may cut one, has no UTF-8 form and could not be written.
            text = first.text.strip().encode("utf-8", "replace").decode("utf-8")
            return {"text": text, "finish_reason": first.finish_reason}, generation.usage

        return Question(record_id, "write", asked, put)

    def choosing(self, record_id: str, prompt: EnginePrompt, choices: tuple[str, ...]) -> Question:
        """Ask how likely each of some replies is."""
        asked = content_hash(self._model, asdict(prompt), choices)
        request = ChoiceRequest(f"{record_id}/check", prompt, choices, adapter=self._config.adapter)

        async def put(engine: Engine) -> tuple[dict[str, Any], Usage]:
            scores = await engine.score_choices(request)
            return {"logprobs": list(scores.logprobs)}, scores.usage

        return Question(record_id, "check", asked, put)

    async def ask(self, questions: Sequence[Question]) -> list[dict[str, Any] | str]:
        """The replies in order; a text in place of a reply says why there is none.

        Raises:
            EngineError: The engine cannot be started or fails; what was answered is kept.
        """
        replies: dict[str, dict[str, Any] | str] = {}
        owed: list[Question] = []
        for question in questions:
            known = self._ledger.known(question.record_id, question.stage, question.asked)
            if known is None:
                owed.append(question)
            else:
                replies[question.asked] = known

        async def one(question: Question) -> None:
            try:
                body, usage = await question.put(engine)
            except RequestError as error:
                replies[question.asked] = error.what
                return
            replies[question.asked] = body
            self._stats.usage += usage
            await self._ledger.keep(question.record_id, question.stage, question.asked, body, usage)

        if owed:
            engine = await self._started()
            try:
                await run_bounded(owed, one, self._config.max_in_flight)
            finally:
                await self._ledger.flush()
        return [replies[question.asked] for question in questions]

    @property
    def _model(self) -> str:
        if self._identity is None:
            self._identity = model_identity(self._config.engine, self._config.adapter)
        return self._identity

    async def _started(self) -> Engine:
        if self._engine is None:
            phase, self._stats.phase = self._stats.phase, "starting the engine"
            adapters = (self._config.adapter,) if self._config.adapter else ()
            starting = started_engine(self._config.engine, log_path=self._log, adapters=adapters)
            self._engine = await self._stack.enter_async_context(starting)
            self._stats.phase = phase
        return self._engine
