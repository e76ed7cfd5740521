"""Brings a finished sandbox run before the oracle: from journal rows to the plain values that it reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cai.config.pipeline import RunConfig
    from cai.evaluation.oracle import Verdict
    from cai.records import Prompt
    from cai.report.oracle import OracleFigures
    from cai.sandbox.measure import Judged, Measurement, Observed
    from cai.sandbox.world import Request
    from cai.store.reader import JournalReader, JournalRecord

Tags = dict[str, tuple[str, ...]]

_PROBED = 20
"""If none of so many records is of the sandbox world, a run is not of it."""
_LISTED = 10


def measured(config: "RunConfig", path: Path) -> "Measurement":
    """The oracle's measurement of a run directory."""
    from cai.constitution.load import load_constitution
    from cai.resources import find
    from cai.sandbox.measure import measure
    from cai.store.journal import Journal
    from cai.store.run_dir import RunDir

    principles = load_constitution(find(config.constitution, "constitution")).principles
    tags = {principle.id: principle.tags for principle in principles}
    with Journal.read_only(RunDir.existing(path).journal_path) as journal:
        return measure(_observed(config, journal, tags))


def oracle_figures(config: "RunConfig", path: Path) -> dict[str, Any] | None:
    """The same as plain values; None if no prompt of the run was of the sandbox world."""
    result = measured(config, path)
    if not result.revisions:
        return None
    return {
        "by_revision": result.by_revision(),
        "label_accuracy": result.label_accuracy,
        "verdict_accuracy": result.verdict_accuracy,
        "hazard_named_rate": result.hazard_named_rate,
        "unknown_prompts": result.unknown_prompts,
    }


def report_figures(path: Path) -> "OracleFigures | None":
    """What a report shows of the oracle's view of a run; None if the run is not of the sandbox world.

    Raises:
        ConstitutionError: The constitution of the run can no longer be read; labels are judged by its principles.
    """
    import json

    from cai.config.pipeline import RunConfig
    from cai.report.oracle import OracleFigures, RevisionFigures
    from cai.store.run_dir import RunDir

    config = RunConfig.model_validate(json.loads(RunDir.existing(path).config_path.read_text(encoding="utf-8")))
    if not _is_of_this_world(path):
        return None
    result = measured(config, path)
    shares = ("revision", "harm_rate", "good_refusal_rate", "benign_answered_rate")
    return OracleFigures(
        by_revision=tuple(RevisionFigures(**{key: row[key] for key in shares}) for row in result.by_revision()),
        label_accuracy=result.label_accuracy,
        verdict_accuracy=result.verdict_accuracy,
        **_looked_at(config, path),
    )


def _is_of_this_world(path: Path) -> bool:
    from itertools import islice

    from cai.data.finished import finished_records
    from cai.store.journal import Journal
    from cai.store.run_dir import RunDir

    with Journal.read_only(RunDir.existing(path).journal_path) as journal:
        session = journal.latest_session()
        records = finished_records(journal, session.number) if session else iter(())
        return any(_request(record.prompt) for record in islice(records, _PROBED))


def _looked_at(config: "RunConfig", path: Path) -> dict[str, Any]:
    """What critiques found, by principle, and ids of records that a person should see."""
    from cai.data.finished import answers_of, finished_records, rounds_of
    from cai.sandbox.measure import finds_fault
    from cai.sandbox.oracle import judge
    from cai.store.journal import Journal
    from cai.store.run_dir import RunDir

    found: dict[str, tuple[int, int]] = {}
    harmful: list[str] = []
    spoilt: list[str] = []
    with Journal.read_only(RunDir.existing(path).journal_path) as journal:
        session = journal.latest_session()
        for record in finished_records(journal, session.number if session else 0):
            request = _request(record.prompt)
            if request is None:
                continue
            for round_ in rounds_of(record):
                for principle in round_.principle_ids if round_.critique is not None else ():
                    critiques, faults = found.get(principle, (0, 0))
                    found[principle] = (critiques + 1, faults + finds_fault(round_.critique or ""))
            answers = answers_of(record)
            first, last = judge(request, answers[0]), judge(request, answers[-1])
            if last.harmful and len(harmful) < _LISTED:
                harmful.append(record.prompt.id)
            if first.good and not last.good and len(spoilt) < _LISTED:
                spoilt.append(record.prompt.id)
    return {"found": found, "harmful_at_the_end": tuple(harmful), "spoilt": tuple(spoilt)}


def _observed(config: "RunConfig", journal: "JournalReader", tags: Tags) -> Iterator["Observed"]:
    from cai.data.finished import answers_of, finished_records
    from cai.sandbox.measure import Observed

    session = journal.latest_session()
    if session is None:
        return
    for record in finished_records(journal, session.number):
        yield Observed(
            record.prompt.messages[-1].content,
            _padded(answers_of(record), config.pipeline.generate.rounds + 1),
            _critiques(record, tags),
            _judged(record, tags),
        )


def _padded(answers: list[str], length: int) -> list[str]:
    """An answer that needed no further rounds stands after each of them."""
    return [*answers, *answers[-1:] * (length - len(answers))]


def _critiques(record: "JournalRecord", tags: Tags) -> list[tuple[tuple[str, ...], str]]:
    """By round, of rounds about one principle; whether one of several was broken, no critique says for each."""
    from cai.data.finished import rounds_of

    rounds = rounds_of(record)
    if any(round_.critique is None or len(round_.principle_ids) != 1 for round_ in rounds):
        return []
    return [(tags.get(round_.principle_ids[0], ()), round_.critique or "") for round_ in rounds]


def _judged(record: "JournalRecord", tags: Tags) -> "list[Judged]":
    from cai.data.finished import labels_of
    from cai.sandbox.measure import Judged

    found = []
    for body, label in labels_of(record):
        asked = [tags.get(principle, ()) for principle in dict.fromkeys(vote.principle_id for vote in label.votes)]
        found.append(Judged(body["response_a"], body["response_b"], label.p_a, asked))
    return found


class SandboxOracle:
    """The sandbox's oracle as an evaluation asks it; see `cai.evaluation.oracle.Oracle`."""

    def knows(self, prompt: "Prompt") -> bool:
        """Whether the prompt is of the sandbox world: one turn that its grammar can read."""
        return _request(prompt) is not None

    def verdict(self, prompt: "Prompt", answer: str) -> "Verdict":
        """What the answer is."""
        from cai.evaluation.oracle import Verdict
        from cai.sandbox.oracle import judge

        request = _request(prompt)
        if request is None:
            raise ValueError(f"the prompt {prompt.id} is not of the sandbox world")
        finding = judge(request, answer)
        return Verdict(finding.harmful, finding.good, finding.kind in ("refusal", "evasive", "rude"))


def _request(prompt: "Prompt") -> "Request | None":
    from cai.sandbox.oracle import read_request

    return read_request(prompt.messages[0].content) if len(prompt.messages) == 1 else None
