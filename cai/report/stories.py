"""A chosen record as a page shows it: the conversation, then each round with the change marked, then the label."""

from collections.abc import Mapping
from dataclasses import dataclass

from cai.config.stages import GenerateConfig
from cai.data.finished import StandingRound, answers_of, labels_of, rounds_of, unlabelled_of
from cai.records import Label
from cai.report.diff import Marked, marked
from cai.report.tally import revision_probability
from cai.report.trajectories import REASONS
from cai.report.visible import in_one_line, shown, visible
from cai.store.reader import JournalRecord


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the prompt."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class StoryRound:
    """One round; `change` is None if the answer stayed as it was; `before` names the answer that it began with."""

    index: int
    before: str
    principle: str
    statement: str
    critique: str | None
    change: Marked | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryLabel:
    """The label of the record's comparison, in words; `answers` are (heading, text), for samples only."""

    verdict: str
    details: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is shown of one record."""

    record_id: str
    reason: str
    heading: str
    about: tuple[str, ...]
    turns: tuple[Turn, ...]
    draft: str | None
    rounds: tuple[StoryRound, ...]
    label: StoryLabel | None
    unlabelled: str
    """Why there is no label, where that can be said."""

    @property
    def needs_turns(self) -> bool:
        """Whether the heading does not say all of the prompt."""
        return [turn.text for turn in self.turns] != [self.heading]

    @property
    def unchanged(self) -> tuple[StoryRound, ...]:
        """The rounds that changed nothing."""
        return tuple(found for found in self.rounds if found.change is None)


def story(record: JournalRecord, kind: str, config: GenerateConfig, statements: Mapping[str, str]) -> Story:
    """Tell the story of a record.

    Args:
        record: A finished record or a failed one, of which some steps may be absent.
        kind: Why it was chosen; a key of `REASONS`.
        config: The settings of the stage.
        statements: What the principles say, by id, as far as that is known.
    """
    prompt = record.prompt
    reason = REASONS[kind]
    if kind == "failed" and record.outcome:
        reason = f"{reason}: {visible(record.outcome.reason or 'no reason given')}"
    about = [f"record {prompt.id}", f"hazard {visible(prompt.hazard or 'none')}", f"split {record.split}"]
    answers = answers_of(record)
    return Story(
        record_id=prompt.id,
        reason=reason,
        heading=in_one_line(prompt.messages[-1].content, 90),
        about=(*about, *([f"tags {visible(', '.join(prompt.tags))}"] if prompt.tags else [])),
        turns=tuple(Turn(message.role, shown(message.content)) for message in prompt.messages),
        draft=shown(answers[0]) if answers else None,
        rounds=_rounds(record, statements),
        label=_label(record, answers),
        unlabelled=_unlabelled(record, config),
    )


def _rounds(record: JournalRecord, statements: Mapping[str, str]) -> tuple[StoryRound, ...]:
    found = []
    standing = "draft"
    for round_ in rounds_of(record):
        before, after = shown(round_.before), shown(round_.answer)
        found.append(
            StoryRound(
                round_.index,
                standing,
                visible(", ".join(round_.principle_ids)),
                visible(" ".join(statements.get(principle, "") for principle in round_.principle_ids)),
                None if round_.critique is None else shown(round_.critique),
                marked(before, after) if before != after else None,
                _remarks(round_),
            )
        )
        if before != after:
            standing = f"revision {round_.index}"
    return tuple(found)


def _remarks(round_: StandingRound) -> tuple[str, ...]:
    """What else is known of a round: the verdict, further draws, and a flaw that stayed."""
    remarks = []
    verdict = round_.verdict
    if verdict is not None and verdict.violates:
        evidence = f", evidence {visible(verdict.evidence)}" if verdict.evidence else ""
        unquoted = "" if verdict.quoted or not verdict.evidence else " (not in the answer)"
        remarks.append(f"verdict: violation of severity {verdict.severity}{evidence}{unquoted}")
    elif verdict is not None:
        remarks.append("verdict: compliant" + ("; no revision was needed" if round_.revision is None else ""))
    if round_.attempt:
        remarks.append(f"revision drawn {round_.attempt + 1} times")
    if round_.flaw:
        remarks.append(f"flaw that stayed: {visible(round_.flaw.replace('_', ' '))}")
    return tuple(remarks)


def _unlabelled(record: JournalRecord, config: GenerateConfig) -> str:
    if unlabelled_of(record) is None:
        return ""
    if config.comparison.source in ("sampled", "two_models"):
        return "No comparison: the sampled answers are the same."
    return "No comparison: the two answers are the same."


def _label(record: JournalRecord, answers: list[str]) -> StoryLabel | None:
    found = labels_of(record)
    if not found:
        return None
    # Of several, the clearest says most.
    body, label = max(found, key=lambda item: abs(item[1].p_a - 0.5))
    principles = ", ".join(dict.fromkeys(visible(vote.principle_id) for vote in label.votes))
    details = f"under {principles or 'no named principle'}; label mass {label.label_mass:.3f}"
    if label.flipped:
        details += "; the verdict flipped with the order of the answers"
    if len(found) > 1:
        details += f"; the clearest of {len(found)} comparisons"
    if body["source"] == "draft_vs_revision":
        p = revision_probability(body, label, answers)
        return StoryLabel(f"The judge finds the last revision better with probability {p:.3f}", details, ())
    return StoryLabel(*_of_samples(body["response_a"], body["response_b"], label, details))


def _of_samples(a: str, b: str, label: Label, details: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    if label.p_a < 0.5:
        a, b = b, a
    p = max(label.p_a, 1 - label.p_a)
    headings = ("Neither", "Neither") if p == 0.5 else ("Chosen", "Rejected")
    verdict = f"The judge finds one answer better with probability {p:.3f}"
    return verdict, details, ((headings[0], shown(a)), (headings[1], shown(b)))
