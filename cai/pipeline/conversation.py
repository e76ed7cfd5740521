"""The way of one record, from its prompt to its label, as one coroutine.

Draft, rounds of critique and revision, then a comparison. Nothing here knows how many others are under way.
"""

from collections.abc import Sequence
from typing import Any

from cai.constitution.draw import draw
from cai.constitution.schema import Principle, Stage
from cai.dialogue import Dialogue
from cai.errors import ConstitutionError, RequestError, TemplateError
from cai.pipeline.plan import REVISE, Plan
from cai.pipeline.steps import RecordSteps, Scorer
from cai.records import Comparison, Draft, Label, Prompt, Reply, Revision, Round, Split, Trajectory, content_hash

RECORD_ERRORS = (RequestError, ConstitutionError, TemplateError)
"""What can be wrong with one record alone: its request is refused, no principle applies to it, or it is too long for a
template. Files that are wrong for every record are found before the first."""


async def converse(plan: Plan, prompt: Prompt, split: Split, steps: RecordSteps) -> Trajectory:
    """Run a record to its end; every step is kept by `steps` on the way.

    Raises:
        RequestError, ConstitutionError, TemplateError: This record cannot go on; see `RECORD_ERRORS`.
        EngineError: The engine is gone.
    """
    settings = plan.generate
    # All draws first: a record to which no principle applies must not cost a draft.
    critical = [_drawn(plan, prompt, "critique", index)[0] for index in range(1, settings.rounds + 1)]
    comparing = _drawn(plan, prompt, "comparison", 0, settings.labels.principles) if split != "sft" else ()
    opened = plan.craft.opened(prompt.messages)
    draft = await steps.ask("generator", "draft", 0, opened)
    rounds = await _rounds(plan, critical, opened, draft, steps)
    trajectory = Trajectory(prompt, Draft(*draft), rounds)
    if comparing:
        await _label(plan, trajectory, comparing, opened, steps)
    return trajectory


def _drawn(plan: Plan, prompt: Prompt, stage: Stage, index: int, k: int = 1) -> tuple[Principle, ...]:
    return draw(plan.principles(prompt, stage), plan.generate.seed, prompt.id, index, k)


async def _rounds(
    plan: Plan, principles: Sequence[Principle], opened: Dialogue, draft: Reply, steps: RecordSteps
) -> tuple[Round, ...]:
    dialogue = opened.answered(draft.text)
    rounds: list[Round] = []
    for index, principle in enumerate(principles, start=1):
        critique, criticised = await plan.critique.critique(dialogue, principle, index, steps.ask)
        asked = criticised.asked(REVISE, revision_request=principle.revision_request, constraints=principle.constraints)
        reply = await steps.ask("reviser", "revision", index, asked, principle)
        rounds.append(Round(index, principle.id, critique, Revision(*reply)))
        dialogue = (asked if plan.generate.history == "full" else opened).answered(reply.text)
    return tuple(rounds)


async def _label(
    plan: Plan, trajectory: Trajectory, principles: Sequence[Principle], opened: Dialogue, steps: RecordSteps
) -> None:
    """Judge the record's comparison; two equal answers are none."""
    settings = plan.generate
    prompt = trajectory.prompt
    if settings.comparison.source == "sampled":
        first, second = await steps.sample("generator", "sample", 0, opened, n=2)
        pair = Comparison(prompt, first.text, second.text, "sampled")
    else:
        pair = Comparison(prompt, trajectory.draft.text, trajectory.final, "draft_vs_revision")
    if pair.response_a == pair.response_b:
        return
    # Which answer is called A is drawn from the names, or "A" would always be the draft.
    if int(content_hash("order", settings.seed, prompt.id), 16) % 2:
        pair = pair.swap()

    async def judge(scorer: Scorer) -> dict[str, Any]:
        label: Label = await plan.labels.label(pair, principles, scorer)
        return {
            "response_a": pair.response_a,
            "response_b": pair.response_b,
            "source": pair.source,
            "label": label.to_dict(),
        }

    await steps.judged(0, plan.labels.asked(pair, principles), judge)
