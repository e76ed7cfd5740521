"""The way of one record, from its prompt to its labels, as one coroutine.

Draft, rounds of critique and revision, then comparisons. Nothing here knows how many others are under way.
"""

from typing import Any

from cai.errors import ConstitutionError, RequestError, TemplateError
from cai.pipeline.comparisons import Compared, run_comparisons
from cai.pipeline.plan import Plan
from cai.pipeline.rounds import run_rounds
from cai.pipeline.steps import RecordSteps
from cai.records import Draft, Prompt, Round, Split, Trajectory
from cai.store.reader import StepKey

RECORD_ERRORS = (RequestError, ConstitutionError, TemplateError)
"""What can be wrong with one record alone: its request is refused, no principle applies to it, or it is too long for a
template. Files that are wrong for every record are found before the first."""

TRAJECTORY = StepKey("trajectory", 0, 0)
"""The last step of a record: which of its steps stand."""


async def converse(plan: Plan, prompt: Prompt, split: Split, steps: RecordSteps) -> Trajectory:
    """Run a record to its end; every step is kept by `steps` on the way.

    Raises:
        RequestError, ConstitutionError, TemplateError: This record cannot go on; see `RECORD_ERRORS`.
        EngineError: The engine is gone.
        StepOwed: `steps` asks nothing, and a step is not known.
    """
    # All draws first: a record to which no principle applies must not cost a draft.
    briefs = plan.briefs(prompt)
    judging = plan.judging(prompt) if split != "sft" else ()
    opened = plan.craft.opened(prompt.messages)
    draft = await steps.write("generator", StepKey("draft", 0, 0), opened)
    rounds = await run_rounds(plan, briefs, opened, draft, steps)
    trajectory = Trajectory(prompt, Draft(*draft), rounds)
    compared = await run_comparisons(plan, trajectory, judging, opened, steps) if judging else Compared(())
    await steps.keep(TRAJECTORY, _standing(trajectory, compared))
    return trajectory


def _standing(trajectory: Trajectory, compared: Compared) -> dict[str, Any]:
    """What readers of the journal need to know of a record beyond its steps; see `cai.data.finished`."""
    return {
        "rounds": [_round(round_) for round_ in trajectory.rounds],
        "comparisons": list(compared.numbers),
        "unlabelled": compared.unlabelled,
    }


def _round(round_: Round) -> dict[str, Any]:
    revision = round_.revision
    return {
        "index": round_.index,
        "principle_ids": list(round_.principle_ids),
        "critique": round_.critique is not None,
        "revision": revision.attempt if revision else None,
        "flaw": revision.flaw if revision else None,
        "verdict": round_.verdict.to_dict() if round_.verdict else None,
    }
