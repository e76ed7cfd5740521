"""The steps of one imported trajectory, as the pipeline would have kept them, with the flaws that the checks find."""

from collections.abc import Collection
from typing import Any, NamedTuple

from cai.checks.flaws import critique_flaw, revision_flaw
from cai.checks.truncated import UNKNOWN
from cai.config.critique import Check
from cai.data.finished import DRAFT, TRAJECTORY
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.rows import ImportedRow
from cai.records import Step, content_hash
from cai.store.reader import StepKey


class RowSteps(NamedTuple):
    """The steps of a record in their order, and the flaws of its critiques and revisions, one a round that has one."""

    steps: tuple[Step, ...]
    critique_flaws: tuple[Check, ...]
    revision_flaws: tuple[Check, ...]


def steps_of(row: ImportedRow, ids: PrincipleIds, checks: Collection[Check]) -> RowSteps:
    """Make the steps of a row: draft, each round's critique and revision, and last what stands."""
    record = row.prompt.id
    steps = [_step(record, DRAFT, {"text": row.draft, "finish_reason": UNKNOWN, "model": row.model})]
    standing = []
    criticised: list[Check] = []
    revised: list[Check] = []
    answer = row.draft
    for index, round_ in enumerate(row.rounds, start=1):
        named = {"principle_ids": list(ids.of(round_)), "finish_reason": UNKNOWN}
        flaw = None
        if round_.critique is not None:
            steps.append(_step(record, StepKey("critique", index, 0), {**named, "text": round_.critique}))
            found = critique_flaw(round_.critique, UNKNOWN, answer, checks)
            criticised += [found] if found else []
        if round_.revision is not None:
            steps.append(_step(record, StepKey("revision", index, 0), {**named, "text": round_.revision}))
            flaw = revision_flaw(round_.revision, UNKNOWN, answer, round_.critique, checks)
            revised += [flaw] if flaw else []
            answer = round_.revision
        standing.append(
            {
                "index": index,
                "principle_ids": named["principle_ids"],
                "critique": round_.critique is not None,
                "revision": None if round_.revision is None else 0,
                "flaw": flaw,
                "verdict": None,
            }
        )
    steps.append(_step(record, TRAJECTORY, {"rounds": standing, "comparisons": [], "unlabelled": None}))
    return RowSteps(tuple(steps), tuple(criticised), tuple(revised))


def _step(record_id: str, key: StepKey, body: dict[str, Any]) -> Step:
    """Nothing was asked, so that a step is known by what it holds."""
    return Step(record_id, *key, content_hash(body), "done", body)
