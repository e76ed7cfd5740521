"""What a finished record says: which records count, their answers round by round, and the labels that stand.

A record's `trajectory` step, written last, says which of its steps stand: others may be there that an earlier
configuration left. The datasets, the figures of a run, the sandbox's oracle and the report all read records through
these rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cai.errors import StorageError
from cai.records import Label, Verdict
from cai.store.reader import JournalReader, JournalRecord, StepKey

DRAFT = StepKey("draft", 0, 0)
TRAJECTORY = StepKey("trajectory", 0, 0)


@dataclass(frozen=True, slots=True)
class StandingRound:
    """One round as it stands.

    `critique` is None where the mode makes none. `revision` is None where a verdict found nothing to revise, and
    `answer` is then the one from before. `attempt` counts from 0 the draws that the revision took; `flaw` is what is
    still wrong with it.
    """

    index: int
    principle_ids: tuple[str, ...]
    critique: str | None
    revision: str | None
    before: str
    attempt: int = 0
    flaw: str | None = None
    verdict: Verdict | None = None

    @property
    def answer(self) -> str:
        """The answer after the round."""
        return self.before if self.revision is None else self.revision

    @property
    def changed(self) -> bool:
        """Whether the round left another answer than it found."""
        return self.answer != self.before


def finished_records(journal: JournalReader, session: int) -> Iterator[JournalRecord]:
    """The records of a session that ended as trajectories under its plan; those of an earlier plan are owed again."""
    plan = next((found.plan for found in journal.sessions() if found.number == session), None)
    for record in journal.records(session):
        if record.outcome and record.outcome.status == "trajectory" and record.outcome.plan == plan:
            yield record


def answers_of(record: JournalRecord) -> list[str]:
    """The draft, and the answer after each round; as far as the record has come, if it is not finished."""
    draft = record.steps.get(DRAFT)
    if draft is None or not draft.body.get("text"):
        return []
    return [draft.body["text"], *(round_.answer for round_ in rounds_of(record))]


def rounds_of(record: JournalRecord) -> list[StandingRound]:
    """The rounds of a record as they stand; of one that is not finished, what its steps tell.

    Raises:
        StorageError: A step that the record names is not in the journal.
    """
    draft = record.steps.get(DRAFT)
    if draft is None or not draft.body.get("text"):
        return []
    answer: str = draft.body["text"]
    found = []
    for row in _standing(record):
        round_ = _round(record, row, answer)
        found.append(round_)
        answer = round_.answer
    return found


def labels_of(record: JournalRecord) -> list[tuple[dict[str, Any], Label]]:
    """The body of each label step that stands, and the label in it; none if the record is not finished.

    Raises:
        StorageError: A label that the record names is not in the journal.
    """
    standing = record.steps.get(TRAJECTORY)
    if standing is None:
        return []
    bodies = [_needed(record, StepKey("label", number, 0)) for number in standing.body["comparisons"]]
    return [(body, Label.from_dict(body["label"])) for body in bodies]


def unlabelled_of(record: JournalRecord) -> str | None:
    """Why a finished record has no comparison, if it should have had one."""
    standing = record.steps.get(TRAJECTORY)
    reason: str | None = standing.body["unlabelled"] if standing else None
    return reason


def _standing(record: JournalRecord) -> list[dict[str, Any]]:
    """The rows of the trajectory step; made from the steps of a record that has none yet."""
    standing = record.steps.get(TRAJECTORY)
    if standing is not None:
        rows: list[dict[str, Any]] = standing.body["rounds"]
        return rows
    attempts: dict[int, int] = {}
    for key, step in record.steps.items():
        if key.stage == "revision" and step.status == "done":
            attempts[key.round] = max(attempts.get(key.round, 0), key.attempt)
    rows = []
    for index in range(1, len(attempts) + 1):
        if index not in attempts:
            break
        body = record.steps[StepKey("revision", index, attempts[index])].body
        critique = StepKey("critique", index, 0) in record.steps
        ids = body.get("principle_ids", [])
        rows.append({"index": index, "principle_ids": ids, "critique": critique, "revision": attempts[index]})
    return rows


def _round(record: JournalRecord, row: dict[str, Any], before: str) -> StandingRound:
    index, attempt, verdict = row["index"], row["revision"], row.get("verdict")
    return StandingRound(
        index=index,
        principle_ids=tuple(row["principle_ids"]),
        critique=_needed(record, StepKey("critique", index, 0))["text"] if row["critique"] else None,
        revision=None if attempt is None else _needed(record, StepKey("revision", index, attempt))["text"],
        before=before,
        attempt=attempt or 0,
        flaw=row.get("flaw"),
        verdict=Verdict(**verdict) if verdict else None,
    )


def _needed(record: JournalRecord, key: StepKey) -> dict[str, Any]:
    step = record.steps.get(key)
    if step is None or step.status != "done":
        raise StorageError(
            f"the record counts as finished, but its {key.stage} {key.round} is not in the journal",
            where=f"record {record.prompt.id}",
            fix="resume the run, then export again",
        )
    return step.body
