"""Rows of the two datasets, as pure functions of what the journal holds of one record.

Messages, never rendered text; provenance beside them. Nothing here does I/O.
"""

from dataclasses import dataclass
from typing import Any, TypedDict

import pyarrow as pa

from cai.config.stages import GenerateConfig
from cai.data.finished import answers_of, labels_of, rounds_of
from cai.errors import StorageError
from cai.records import Label
from cai.store.reader import JournalRecord

MESSAGES = pa.list_(pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())]))

SFT_SCHEMA = pa.schema(
    [
        ("prompt", MESSAGES),
        ("completion", MESSAGES),
        ("prompt_id", pa.string()),
        ("principle_ids", pa.list_(pa.string())),
        ("constitution", pa.string()),
        ("constitution_version", pa.string()),
        ("round", pa.int32()),
        ("method", pa.string()),
        ("source", pa.string()),
        ("hazard", pa.string()),
        ("tags", pa.list_(pa.string())),
    ]
)

PREFERENCE_SCHEMA = pa.schema(
    [
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("p_chosen", pa.float64()),
        ("comparison_id", pa.string()),
        ("prompt_id", pa.string()),
        ("principle_ids", pa.list_(pa.string())),
        ("constitution", pa.string()),
        ("constitution_version", pa.string()),
        ("comparison_source", pa.string()),
        ("method", pa.string()),
        ("flipped", pa.bool_()),
        ("label_mass", pa.float64()),
        ("source", pa.string()),
        ("hazard", pa.string()),
        ("tags", pa.list_(pa.string())),
    ]
)

Turns = list[dict[str, str]]


class SftRow(TypedDict):
    """One row of `SFT_SCHEMA`: the prompt and one answer that stood after `round` revisions."""

    prompt: Turns
    completion: Turns
    prompt_id: str
    principle_ids: list[str]
    constitution: str
    constitution_version: str
    round: int
    method: str
    source: str
    hazard: str | None
    tags: list[str]


class PreferenceRow(TypedDict):
    """One row of `PREFERENCE_SCHEMA`: two answers and the probability that `chosen` is the better one."""

    prompt: Turns
    chosen: Turns
    rejected: Turns
    p_chosen: float
    comparison_id: str
    prompt_id: str
    principle_ids: list[str]
    constitution: str
    constitution_version: str
    comparison_source: str
    method: str
    flipped: bool
    label_mass: float
    source: str
    hazard: str | None
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the rows come from: the constitution, and the model by the name that the engine gives."""

    constitution: str
    constitution_version: str
    model: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preference rows of one record, and how many of its comparisons were ties."""

    rows: tuple[PreferenceRow, ...]
    ties: int


def sft_rows(record: JournalRecord, config: GenerateConfig, origin: Provenance) -> list[SftRow]:
    """The SFT rows of one finished record, by round.

    `revisions: all` gives a row for the answer of each round, `final` for the last round only. A record without a
    revision, by configuration or because a verdict found nothing to revise, gives its draft (round 0, method "none").
    An answer that is equal to that of the round before gives no second row: it would only weight the same example
    twice.

    Raises:
        StorageError: A step that a finished record must have is not in the journal.
    """
    answers = _answers(record)
    chosen = answers if config.sft.revisions == "all" else answers[-1:]
    rows: list[SftRow] = []
    for answer in chosen:
        completion = _assistant(answer.text)
        if rows and rows[-1]["completion"] == completion:
            continue
        rows.append(
            SftRow(
                prompt=_turns(record),
                completion=completion,
                prompt_id=record.prompt.id,
                principle_ids=list(answer.principle_ids),
                constitution=origin.constitution,
                constitution_version=origin.constitution_version,
                round=answer.round,
                method=config.critique.kind if answer.round else "none",
                source="ai",
                hazard=record.prompt.hazard,
                tags=list(record.prompt.tags),
            )
        )
    return rows


def preference_rows(record: JournalRecord, origin: Provenance) -> Preferences:
    """The preference rows of one finished record, in the order of its comparisons.

    A tie (`p_a` exactly 0.5) prefers nothing: it is counted and gives no row.

    Raises:
        StorageError: A comparison has two equal answers, which the pipeline must never label, or a step is missing.
    """
    rows = []
    ties = 0
    for body, label in labels_of(record):
        if body["response_a"] == body["response_b"]:
            raise StorageError(
                "a comparison has two equal answers",
                where=f"record {record.prompt.id}, comparison {label.comparison_id}",
                fix="this is a fault of the program: please report it",
            )
        if label.p_a == 0.5:
            ties += 1
            continue
        rows.append(_preference(record, body, label, origin))
    return Preferences(tuple(rows), ties)


def _preference(record: JournalRecord, body: dict[str, Any], label: Label, origin: Provenance) -> PreferenceRow:
    a, b = _assistant(body["response_a"]), _assistant(body["response_b"])
    a_wins = label.p_a > 0.5
    return PreferenceRow(
        prompt=_turns(record),
        chosen=a if a_wins else b,
        rejected=b if a_wins else a,
        p_chosen=label.p_a if a_wins else 1.0 - label.p_a,
        comparison_id=label.comparison_id,
        prompt_id=record.prompt.id,
        principle_ids=list(dict.fromkeys(vote.principle_id for vote in label.votes)),
        constitution=origin.constitution,
        constitution_version=origin.constitution_version,
        comparison_source=body["source"],
        method=label.method,
        flipped=label.flipped,
        label_mass=label.label_mass,
        source="ai",
        hazard=record.prompt.hazard,
        tags=list(record.prompt.tags),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    round: int
    text: str
    principle_ids: tuple[str, ...]


def _answers(record: JournalRecord) -> list[_Answer]:
    """The answers that SFT may learn: each round's revision, or the draft if there is none."""
    answers = []
    principles: tuple[str, ...] = ()
    for round_ in rounds_of(record):
        principles = tuple(dict.fromkeys((*principles, *round_.principle_ids)))
        if round_.revision is not None:
            answers.append(_Answer(round_.index, round_.revision, principles))
    if answers:
        return answers
    drafts = answers_of(record)
    if not drafts:
        raise StorageError(
            "the record counts as finished, but its draft is not in the journal",
            where=f"record {record.prompt.id}",
            fix="resume the run, then export again",
        )
    return [_Answer(0, drafts[0], ())]


def _turns(record: JournalRecord) -> Turns:
    return [{"role": turn.role, "content": turn.content} for turn in record.prompt.messages]


def _assistant(text: str) -> Turns:
    return [{"role": "assistant", "content": _well_formed(text)}]


def _well_formed(text: str) -> str:
    """A server may send half a surrogate pair, which has no UTF-8 form: U+FFFD stands for it, as decoders do."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
