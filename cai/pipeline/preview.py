"""Runs a few records without a run directory, and shows the exact text of every prompt beside what came back."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cai.config.pipeline import RunConfig
from cai.data.intake import Intake
from cai.data.mixture import mix
from cai.pipeline.conversation import RECORD_ERRORS, converse
from cai.pipeline.engines import started_engines
from cai.pipeline.plan import build_plan
from cai.pipeline.stats import RunStats
from cai.pipeline.steps import Crew, RecordSteps
from cai.records import Prompt, Step


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step of one record: the prompt as the model saw it, control tokens included, and its answer."""

    record_id: str
    stage: str
    round: int
    prompt: str
    answer: str


class _Nowhere:
    """A sink that keeps nothing."""

    async def add_step(self, step: Step) -> None:
        """Forget a step."""


async def preview(config: RunConfig, count: int, logs: Path | None = None) -> list[Exchange]:
    """Run the first `count` prompts, one after another.

    Raises:
        CaiError: As `cai.pipeline.run.generate`.
    """
    plan = build_plan(config)
    prompts = mix(config.prompts, plan.generate.seed, count)
    exchanges: list[Exchange] = []
    async with started_engines(config.pipeline, logs) as engines:
        crew = Crew(config.pipeline.all_roles, engines)
        for prompt in islice(Intake(plan.generate).prompts(prompts), count):
            record: list[Exchange] = []

            def trace(stage: str, round_: int, asked: str, answer: str, to: list[Exchange] = record) -> None:
                to.append(Exchange("", stage, round_, asked, answer))

            steps = RecordSteps(prompt.id, plan.generate.seed, crew, {}, _Nowhere(), RunStats(), trace)
            try:
                await converse(plan, prompt, "train", steps)
            except RECORD_ERRORS as error:
                record.append(Exchange("", "failed", 0, "", str(error)))
            exchanges.extend(_named(prompt, record))
    return exchanges


def _named(prompt: Prompt, record: list[Exchange]) -> Iterator[Exchange]:
    for exchange in record:
        yield Exchange(prompt.id, exchange.stage, exchange.round, exchange.prompt, exchange.answer)
