"""A chosen record as a page shows it: the conversation, then each round with the change marked, then the label."""

from collections.abc import Mapping
from dataclasses import dataclass

from cai.config.stages import GenerateConfig
from cai.data.finished import answers_of, label_of
from cai.records import Label
from cai.report.diff import Marked, marked
from cai.report.tally import principle_of, revision_probability
from cai.report.trajectories import REASONS
from cai.report.visible import in_one_line, shown, visible
from cai.store.reader import JournalRecord, StepKey


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
    answers = answers_of(record, config)
    return Story(
        record_id=prompt.id,
        reason=reason,
        heading=in_one_line(prompt.messages[-1].content, 90),
        about=(*about, *([f"tags {visible(', '.join(prompt.tags))}"] if prompt.tags else [])),
        turns=tuple(Turn(message.role, shown(message.content)) for message in prompt.messages),
        draft=shown(answers[0]) if answers else None,
        rounds=_rounds(record, config, statements),
        label=_label(record, config, answers),
        unlabelled=_unlabelled(record, config, answers),
    )


def _rounds(record: JournalRecord, config: GenerateConfig, statements: Mapping[str, str]) -> tuple[StoryRound, ...]:
    found = []
    standing = "draft"
    answer = record.steps.get(StepKey("draft", 0, 0))
    for index in range(1, config.rounds + 1):
        critique = record.steps.get(StepKey("critique", index, 0))
        revision = record.steps.get(StepKey("revision", index, 0))
        if answer is None or revision is None:
            break
        before, after = shown(answer.body["text"]), shown(revision.body["text"])
        principle = principle_of(record, index) or ""
        found.append(
            StoryRound(
                index,
                standing,
                visible(principle),
                visible(statements.get(principle, "")),
                shown(critique.body["text"]) if critique else None,
                marked(before, after) if before != after else None,
            )
        )
        if before != after:
            standing = f"revision {index}"
        answer = revision
    return tuple(found)


def _unlabelled(record: JournalRecord, config: GenerateConfig, answers: list[str]) -> str:
    finished = record.outcome is not None and record.outcome.status == "trajectory"
    if not finished or record.split == "sft" or label_of(record, config):
        return ""
    if config.comparison.source == "sampled":
        return "No comparison: the two sampled answers are the same."
    return "No comparison: the draft and the last revision are the same." if answers[0] == answers[-1] else ""


def _label(record: JournalRecord, config: GenerateConfig, answers: list[str]) -> StoryLabel | None:
    found = label_of(record, config)
    if found is None:
        return None
    body, label = found
    principles = ", ".join(dict.fromkeys(visible(vote.principle_id) for vote in label.votes))
    details = f"under {principles or 'no named principle'}; label mass {label.label_mass:.3f}"
    if label.flipped:
        details += "; the verdict flipped with the order of the answers"
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
