"""How many records a session owes, counted before it asks an engine for anything.

Each record that was made under another plan is walked through with what the journal holds, step by step, without
asking: it is owed if some step on its way is not known. So what is counted is exactly what will be asked again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cai.data.intake import Intake
from cai.pipeline.conversation import RECORD_ERRORS, converse
from cai.pipeline.plan import Plan
from cai.pipeline.stats import RunStats
from cai.pipeline.steps import Crew, RecordSteps, StepOwed
from cai.records import Prompt
from cai.store.reader import JournalReader


@dataclass(frozen=True, slots=True)
class Owed:
    """What a session that goes on has to do.

    `new` records were never begun, `unfinished` ones were under way or failed, `changed` ones use something that is no
    longer as it was: a principle, a template, a setting or a model. `done` ones need nothing; filtered ones neither.
    """

    new: int = 0
    unfinished: int = 0
    changed: int = 0
    done: int = 0

    @property
    def total(self) -> int:
        """Records that need work."""
        return self.new + self.unfinished + self.changed


async def count_owed(
    plan: Plan, intake: Intake, crew: Crew, fingerprint: str, journal: JournalReader, prompts: Iterable[Prompt]
) -> Owed:
    """Count; nothing is asked and nothing is written.

    Args:
        plan: What the session does.
        intake: Which prompts it leaves out, and the splits of the others.
        crew: Its roles, on started engines.
        fingerprint: The plan's, on these engines.
        journal: What earlier sessions left.
        prompts: The session's prompts; places that repeat one are passed over.
    """
    seen: set[int] = set()
    counted = dict.fromkeys(("new", "unfinished", "changed", "done"), 0)
    for prompt in prompts:
        number = int(prompt.id, 16)
        if number in seen:
            continue
        seen.add(number)
        counted[await _state(plan, intake, crew, fingerprint, journal, prompt)] += 1
    return Owed(**counted)


async def _state(
    plan: Plan, intake: Intake, crew: Crew, fingerprint: str, journal: JournalReader, prompt: Prompt
) -> str:
    if intake.reason(prompt):
        return "done"
    known = journal.steps(prompt.id)
    outcome = journal.outcome(prompt.id)
    if outcome is None or (outcome.status == "filtered" and not known):
        return "unfinished" if known else "new"
    if outcome.status == "failed":
        return "unfinished"
    split = intake.split(prompt)
    if outcome.status == "trajectory" and outcome.plan == fingerprint and journal.split(prompt.id) == split:
        return "done"
    steps = RecordSteps(prompt.id, plan.generate.seed, crew, known, None, RunStats())
    try:
        await converse(plan, prompt, split, steps)
    except (StepOwed, *RECORD_ERRORS):
        return "changed"
    return "done"
