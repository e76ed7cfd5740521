"""The rounds of one record: criticise, state a verdict if one is wanted, revise, and look at what came back."""

from collections.abc import Sequence

from cai.checks.flaws import revision_flaw
from cai.config.critique import Check
from cai.constitution.brief import Brief
from cai.critique.verdict import ask_verdict
from cai.dialogue import Dialogue
from cai.pipeline.plan import REVISE, Plan
from cai.pipeline.steps import Limits, RecordSteps
from cai.records import Critique, Reply, Revision, Round, Verdict
from cai.store.reader import StepKey

NON_COMPLIANT = "non_compliant"
"""The flaw of a revision in which the critic's second verdict still finds a violation."""


class RoundAsk:
    """Asks for one round of one record; see `cai.critique.base.Ask`."""

    def __init__(self, steps: RecordSteps, index: int, principle_ids: Sequence[str], attempt: int = 0) -> None:
        self._steps = steps
        self._index = index
        self._attempt = attempt
        self._named = {"principle_ids": list(principle_ids)}

    async def write(self, role: str, stage: str, dialogue: Dialogue) -> Reply:
        """Let a role write the next turn of a dialogue."""
        return await self._steps.write(role, self._key(stage), dialogue, self._named)

    async def fill(self, role: str, stage: str, dialogue: Dialogue, schema: str, max_new_tokens: int) -> Reply:
        """Let a role write JSON that the engine holds to a schema."""
        limits = Limits(schema=schema, max_new_tokens=max_new_tokens)
        return await self._steps.write(role, self._key(stage), dialogue, self._named, limits)

    async def choose(self, role: str, stage: str, dialogue: Dialogue, choices: tuple[str, ...]) -> tuple[float, ...]:
        """Natural-log probabilities with which a role's next turn is each of the choices."""
        return await self._steps.choose(role, self._key(stage), dialogue, choices)

    async def keep(self, stage: str, reply: Reply) -> None:
        """Keep as a step what a mode made of the replies."""
        body = {**self._named, "text": reply.text, "finish_reason": reply.finish_reason}
        await self._steps.keep(self._key(stage), body)

    def _key(self, stage: str) -> StepKey:
        return StepKey(stage, self._index, self._attempt)


async def run_rounds(
    plan: Plan, briefs: Sequence[Brief], opened: Dialogue, draft: Reply, steps: RecordSteps
) -> tuple[Round, ...]:
    """Every round of a record, up to the last or to a verdict that ends them.

    Args:
        plan: What the run does.
        briefs: What each round is about.
        opened: The dialogue before the draft.
        draft: The draft.
        steps: Asks and keeps.

    Raises:
        RequestError: The record cannot go on.
    """
    settings = plan.generate
    dialogue = opened.answered(draft.text)
    answer = draft.text
    rounds: list[Round] = []
    for index, brief in enumerate(briefs, start=1):
        ask = RoundAsk(steps, index, brief.principle_ids)
        critique, criticised = await plan.critique.critique(dialogue, brief, ask)
        verdict = await _verdict(plan, criticised, answer, brief, ask) if critique else None
        if settings.verdict and settings.verdict.stop_when_compliant and verdict and not verdict.violates:
            rounds.append(Round(index, brief.principle_ids, critique, None, verdict))
            break
        constraints = tuple(dict.fromkeys((*brief.constraints, *settings.revision.constraints)))
        asked = criticised.asked(REVISE, revision_request=brief.revision_request, constraints=constraints)
        revising = _Revising(plan, brief, index, steps, asked)
        revision = await revising.revise(answer, critique, verdict)
        rounds.append(Round(index, brief.principle_ids, critique, revision, verdict))
        answer = revision.text
        dialogue = (asked if settings.history == "full" else opened).answered(answer)
    return tuple(rounds)


async def _verdict(plan: Plan, criticised: Dialogue, answer: str, brief: Brief, ask: RoundAsk) -> Verdict | None:
    settings = plan.generate.verdict
    if settings is None:
        return None
    return await ask_verdict(criticised, answer, brief, ask, "critique/verdict", max_new_tokens=settings.max_new_tokens)


class _Revising:
    """Draws the revision of one round, again while it has a flaw and there are retries."""

    def __init__(self, plan: Plan, brief: Brief, index: int, steps: RecordSteps, asked: Dialogue) -> None:
        self._settings = plan.generate
        self._brief = brief
        self._index = index
        self._steps = steps
        self._asked = asked

    async def revise(self, answer: str, critique: Critique | None, verdict: Verdict | None) -> Revision:
        """The first draw without a flaw, or the last one with its flaw."""
        settings = self._settings.revision
        named = {"principle_ids": list(self._brief.principle_ids)}
        # The same answer again is a flaw only if there was something to change.
        checks = tuple(c for c in settings.checks if c != "unchanged" or (verdict is not None and verdict.violates))
        attempt = 0
        while True:
            limits = Limits(least_temperature=settings.retry_temperature if attempt else 0.0)
            key = StepKey("revision", self._index, attempt)
            reply = await self._steps.write("reviser", key, self._asked, named, limits)
            flaw = await self._flaw(reply, answer, critique, checks, attempt)
            if flaw is None or attempt == settings.retries:
                return Revision(reply.text, reply.finish_reason, attempt, flaw)
            attempt += 1

    async def _flaw(
        self, reply: Reply, answer: str, critique: Critique | None, checks: tuple[Check, ...], attempt: int
    ) -> str | None:
        said = critique.text if critique else None
        flaw = revision_flaw(reply.text, reply.finish_reason, answer, said, checks)
        wanted = self._settings.verdict
        if flaw is not None or wanted is None or not wanted.recheck:
            return flaw
        ask = RoundAsk(self._steps, self._index, self._brief.principle_ids, attempt)
        revised = self._asked.answered(reply.text)
        verdict = await ask_verdict(
            revised, reply.text, self._brief, ask, "revision/verdict", max_new_tokens=wanted.max_new_tokens
        )
        return NON_COMPLIANT if verdict is not None and verdict.violates else None
