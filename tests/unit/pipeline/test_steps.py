"""What is asked of an engine for each step, and what is taken from the journal in its place."""

import asyncio
from typing import Any

import pytest

from cai.config.roles import RoleConfig, RolesConfig, SamplingConfig, ScriptedConfig
from cai.dialogue import Dialogue, Stagecraft
from cai.engines.base import ChoiceRequest, ChoiceScores, Generation, GenerationRequest
from cai.engines.scripted import ScriptedEngine
from cai.errors import RequestError
from cai.labeling.engine_judge import EngineJudge
from cai.pipeline.stats import RunStats
from cai.pipeline.steps import Crew, Limits, RecordSteps, StepOwed
from cai.records import Message, Step, Usage
from cai.resources import resource
from cai.store.reader import StepKey

HI = (Message("user", "Hi"),)
SAMPLE = StepKey("sample", 0, 0)
LABEL = StepKey("label", 0, 0)


class Noting(ScriptedEngine):
    """Keeps every request."""

    def __init__(self, model: str = "scripted") -> None:
        super().__init__(ScriptedConfig(model=model))
        self.requests: list[GenerationRequest] = []
        self.choices: list[ChoiceRequest] = []

    async def generate(self, request: GenerationRequest) -> Generation:
        self.requests.append(request)
        return await super().generate(request)

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        self.choices.append(request)
        return await super().score_choices(request)


class Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.steps: dict[StepKey, Step] = {}

    async def add_step(self, step: Step) -> None:
        self.steps[StepKey(step.stage, step.round, step.attempt)] = step


def roles(**changed: RoleConfig) -> dict[str, RoleConfig]:
    return {name: getattr(RolesConfig(**changed), name) for name in RolesConfig.model_fields}


def steps(engine: Noting, known: Any = None, kept: Kept | None = None, **fields: Any) -> RecordSteps:
    crew = Crew(fields.pop("roles", roles()), {"default": engine, "other": engine})
    values: dict[str, Any] = {"record_id": "r", "seed": 0, "stats": RunStats(), **fields}
    return RecordSteps(crew=crew, known=known or {}, sink=kept or Kept(), **values)


def opened(form: Any = "chat") -> Dialogue:
    return Stagecraft(resource("prompts"), form).opened(HI)


def ask(made: RecordSteps, stage: str = "draft", round_: int = 0, dialogue: Dialogue | None = None) -> str:
    return asyncio.run(made.write("generator", StepKey(stage, round_, 0), dialogue or opened())).text


def test_seeds_are_drawn_from_names() -> None:
    engine = Noting()
    for fields in ({}, {"seed": 1}, {"record_id": "s"}):
        for stage, round_ in (("draft", 0), ("critique", 1), ("critique", 2), ("revision", 1)):
            ask(steps(engine, **fields), stage, round_)
    seeds = [request.seed for request in engine.requests]
    assert len(set(seeds)) == 12
    assert all(0 <= seed < 2**31 for seed in seeds)
    ask(steps(engine), "critique", 2)
    assert engine.requests[-1].seed == seeds[2]


def test_later_stages_come_first_and_ids_say_what_is_asked() -> None:
    engine = Noting()
    made = steps(engine)
    for stage in ("draft", "sample", "critique", "revision"):
        ask(made, stage, 1)
    asyncio.run(made.choose("labeler", LABEL, opened(), ("A", "B")))
    requests = [*engine.requests, *engine.choices]
    assert [request.request_id for request in requests] == [
        *("r/draft/1", "r/sample/1", "r/critique/1", "r/revision/1", "r/label/0")
    ]
    priorities = [request.priority for request in requests]
    assert priorities == sorted(set(priorities), reverse=True)


def test_a_role_s_own_settings_are_used() -> None:
    engine = Noting()
    sampling = SamplingConfig(temperature=0.3, max_new_tokens=3, stop=("zzz",))
    mine = roles(generator=RoleConfig(engine="other", sampling=sampling, adapter="lora"))
    made = steps(engine, roles=mine)
    assert len(ask(made, dialogue=opened("transcript")).split()) == 3
    (request,) = engine.requests
    assert (request.adapter, request.sampling.temperature) == ("lora", 0.3)
    assert request.sampling.stop == ("zzz", *opened("transcript").stops)


def test_a_known_step_is_taken_and_not_asked() -> None:
    engine, kept = Noting(), Kept()
    text = ask(steps(engine, kept=kept))
    again = steps(engine, kept.steps)
    assert ask(again) == text
    assert len(engine.requests) == 1
    assert again.stats.reused == {"draft": 1}
    assert again.stats.steps == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 1},
        {"roles": roles(generator=RoleConfig(sampling=SamplingConfig(temperature=0.5)))},
        {"roles": roles(generator=RoleConfig(adapter="lora"))},
        {"engine": Noting("another")},
        {"dialogue": opened().answered("x")},
    ],
    ids=["seed", "sampling", "adapter", "model", "words"],
)
def test_a_step_that_was_asked_otherwise_is_asked_again(fields: dict[str, Any]) -> None:
    kept = Kept()
    ask(steps(Noting(), kept=kept))
    engine = fields.pop("engine", Noting())
    dialogue = fields.pop("dialogue", opened())
    ask(steps(engine, kept.steps, **fields), dialogue=dialogue)
    assert len(engine.requests) == 1


def test_samples_are_drawn_together() -> None:
    engine, kept = Noting(), Kept()
    first, second = asyncio.run(steps(engine, kept=kept).sample("generator", SAMPLE, opened(), 2))
    assert first.text != second.text
    assert kept.steps[StepKey("sample", 0, 0)].body["texts"] == [first.text, second.text]
    again = asyncio.run(steps(engine, kept.steps).sample("generator", SAMPLE, opened(), 2))
    assert again == [first, second]
    assert [request.n for request in engine.requests] == [2]


class Blank(Noting):
    """Answers with white space, now and then."""

    async def generate(self, request: GenerationRequest) -> Generation:
        found = await super().generate(request)
        return Generation((type(found.completions[0])(" \n", "stop"), *found.completions[1:]), found.usage)


def test_an_empty_answer_is_kept_as_failed_and_asked_again() -> None:
    kept, engine = Kept(), Blank()
    for made in (steps(engine, kept=kept), steps(engine, kept.steps, kept)):
        with pytest.raises(RequestError, match="empty sample") as failed:
            asyncio.run(made.sample("generator", SAMPLE, opened(), 2))
        assert failed.value.where == "r/sample/0"
    assert len(engine.requests) == 2
    (step,) = kept.steps.values()
    assert step.status == "failed"
    assert step.usage.prompt_tokens > 0


def test_a_label_adds_up_what_its_questions_took() -> None:
    engine, kept = Noting(), Kept()
    made = steps(engine, kept=kept)

    async def judge() -> tuple[dict[str, Any], Usage]:
        crew = made.crew
        labelers = EngineJudge("r/label/0", made.seed, crew.roles, crew.engines)
        scores = [await labelers.score(name, opened().prompt, ("A", "B")) for name in ("one", "two")]
        assert scores[0] == scores[1]
        return {"p": 1}, labelers.usage

    assert asyncio.run(made.step(LABEL, "asked", judge)).body == {"p": 1}
    assert kept.steps[LABEL].usage == Usage(2, 0, 0)
    asyncio.run(steps(engine, kept.steps).step(LABEL, "asked", judge))
    assert len(engine.choices) == 2
    asyncio.run(steps(engine, kept.steps).step(LABEL, "asked otherwise", judge))
    assert len(engine.choices) == 4


def test_a_retry_draws_anew_and_warmer() -> None:
    engine = Noting()
    cold = roles(reviser=RoleConfig(sampling=SamplingConfig(temperature=0.0)))
    made = steps(engine, roles=cold)
    for attempt in (0, 1):
        limits = Limits(least_temperature=0.7 if attempt else 0.0)
        asyncio.run(made.write("reviser", StepKey("revision", 1, attempt), opened(), limits=limits))
    first, second = engine.requests
    assert first.seed != second.seed
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.7)
    assert second.request_id == "r/revision/1/1"


def test_a_schema_is_part_of_what_was_asked() -> None:
    engine, kept = Noting(), Kept()
    key = StepKey("critique/verdict", 1, 0)
    schema = '{"type": "boolean"}'

    def fill(known: Any, limits: Limits) -> str:
        made = steps(engine, known, kept)
        return asyncio.run(made.write("critic", key, opened(), limits=limits)).text

    assert fill(None, Limits(schema, 7)) in ("true", "false")
    assert (engine.requests[0].schema, engine.requests[0].sampling.max_new_tokens) == (schema, 7)
    fill(kept.steps, Limits(schema, 7))
    assert len(engine.requests) == 1
    fill(kept.steps, Limits(schema, 8))
    fill(kept.steps, Limits('{"type": "integer", "minimum": 0, "maximum": 1}', 8))
    assert len(engine.requests) == 3


def test_choices_are_kept_as_a_step() -> None:
    engine, kept = Noting(), Kept()
    key = StepKey("critique/best.1", 1, 0)
    first = asyncio.run(steps(engine, kept=kept).choose("labeler", key, opened(), ("A", "B", "C")))
    assert len(first) == 3
    assert asyncio.run(steps(engine, kept.steps).choose("labeler", key, opened(), ("A", "B", "C"))) == first
    assert len(engine.choices) == 1
    asyncio.run(steps(engine, kept.steps).choose("labeler", key, opened(), ("A", "B")))
    assert len(engine.choices) == 2


def test_without_a_sink_nothing_is_asked() -> None:
    engine, kept = Noting(), Kept()
    text = ask(steps(engine, kept=kept))
    dry = steps(engine, kept.steps)
    dry.sink = None
    assert ask(dry) == text
    with pytest.raises(StepOwed, match="r/critique/1"):
        ask(dry, "critique", 1)
    asyncio.run(dry.keep(StepKey("trajectory", 0, 0), {}))
    assert len(engine.requests) == 1


def test_what_follows_from_other_steps_is_kept_once() -> None:
    kept = Kept()
    key = StepKey("trajectory", 0, 0)
    asyncio.run(steps(Noting(), kept=kept).keep(key, {"rounds": []}))
    assert kept.steps[key].body == {"rounds": []}
    again = Kept()
    asyncio.run(steps(Noting(), kept.steps, again).keep(key, {"rounds": []}))
    assert again.steps == {}
    asyncio.run(steps(Noting(), kept.steps, again).keep(key, {"rounds": [1]}))
    assert again.steps[key].body == {"rounds": [1]}


def test_a_trace_sees_prompt_and_answer() -> None:
    seen: list[tuple[str, int, str, str]] = []
    text = ask(steps(Noting(), trace=lambda *exchange: seen.append(exchange)))
    assert seen == [("draft", 0, "user: Hi\nassistant: ", text)]
