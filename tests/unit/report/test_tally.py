"""Counts of a run, held to counts by hand."""

from types import ModuleType

import pytest

from cai.config.stages import GenerateConfig
from cai.records import Comparison, Label, Message, Outcome, Prompt, Step, Vote
from cai.report.tally import MOST_NAMES, OTHERS, RunTally
from cai.store.reader import JournalRecord, StepKey

CONFIG = GenerateConfig(rounds=2)
SAMPLED = GenerateConfig.model_validate({"rounds": 0, "comparison": {"source": "sampled"}})


def tallied(folders: ModuleType, config: GenerateConfig, count: int = 24) -> RunTally:
    tally = RunTally(config)
    for number in range(count):
        prompt, steps = folders.record(number, config)
        keyed = {StepKey(step.stage, step.round, step.attempt): step for step in steps}
        tally.add(JournalRecord(prompt, "train", Outcome(prompt.id, "trajectory", None, "plan"), keyed))
    return tally


def test_rounds_and_principles(report_folders: ModuleType) -> None:
    tally = tallied(report_folders, CONFIG)
    # Round 1 changes every second answer, round 2 every fourth.
    assert [(r.answers, r.changed) for r in tally.rounds] == [(24, 12), (24, 6)]
    assert all(0 < r.change < r.changed for r in tally.rounds)
    assert {name: p.drawn for name, p in tally.principles.items()} == {f"principle-{i}": 12 for i in range(4)}
    # Number n draws n + 1 in round 1, which changes it if n is even.
    assert tally.principles["principle-1"].changed == 6 and tally.principles["principle-0"].changed == 0
    assert sum(p.judged for p in tally.principles.values()) == tally.labels.labels == 12
    assert (tally.several_turns, tally.cut) == (5, {"revision": 2})


def test_labels_against_the_draft(report_folders: ModuleType) -> None:
    tally = tallied(report_folders, CONFIG)
    labels = tally.labels
    # The draft is A with probability .03, .23, .43, .63 or .83: numbers 6, 8, 16 and 18 prefer it.
    assert (labels.labels, labels.prefer_revision, labels.ties) == (12, 8, 0)
    assert sum(labels.kept.counts) + sum(labels.flipped.counts) == 12
    assert labels.flips == sum(labels.flipped.counts) == 4
    assert labels.kept.counts[3] + labels.flipped.counts[3] == 2
    assert labels.mass_sum == pytest.approx(sum(0.5 + (n % 5) / 10 for n in range(0, 24, 2)))
    assert labels.chosen_words.n == labels.rejected_words.n == 12
    assert sum(h.labels for h in tally.hazards.values()) == 12
    assert sum(h.prefer_revision for h in tally.hazards.values()) == 8
    assert tally.hazards["none"].records == 6


def test_labels_of_samples(report_folders: ModuleType) -> None:
    labels = tallied(report_folders, SAMPLED).labels
    assert (labels.labels, labels.prefer_revision) == (24, 0)
    shown = [kept + flipped for kept, flipped in zip(labels.kept.counts, labels.flipped.counts, strict=True)]
    assert sum(shown[:10]) == 0
    # The second sample is the longer one, and is chosen where p_a is below one half.
    assert (labels.different_length, labels.longer_preferred) == (24, 14)


def test_any_number_of_hazards_takes_little_memory() -> None:
    tally = RunTally(SAMPLED)
    for number in range(3 * MOST_NAMES):
        prompt = Prompt.of((Message("user", str(number)),), "x", f"hazard-{number}")
        tally.add(JournalRecord(prompt, "train", None, {}))
    assert len(tally.hazards) == MOST_NAMES + 1
    assert tally.hazards[OTHERS].records == 2 * MOST_NAMES


def test_several_labelers_agree_or_not() -> None:
    """Two labels of two labelers: of one mind, and far apart."""
    tally = RunTally(SAMPLED)
    for number, (one, other) in enumerate(((0.9, 0.7), (0.9, 0.1))):
        prompt = Prompt.of((Message("user", f"Hi {number}"),), "x")
        votes = tuple(Vote("kind", "ab", p, 0.9, f"labeler.{index}") for index, p in enumerate((one, other), start=1))
        pair = Comparison(prompt, "yes", "no", "sampled")
        label = Label(pair.id, (one + other) / 2, 0.9, False, "ensemble", votes, (one - other) / 2)
        body = {"response_a": "yes", "response_b": "no", "source": "sampled", "label": label.to_dict()}
        standing = {"rounds": [], "comparisons": [0], "unlabelled": None}
        steps = {
            StepKey(stage, 0, 0): Step(prompt.id, stage, 0, 0, "asked", "done", told)
            for stage, told in (("label", body), ("trajectory", standing))
        }
        tally.add(JournalRecord(prompt, "train", Outcome(prompt.id, "trajectory", None, "plan"), steps))
    labels = tally.labels
    assert (labels.labels, labels.ties, labels.spreads) == (2, 1, 2)
    assert labels.spread_sum == pytest.approx(0.5)
    assert labels.agreement.same == 0.5
    # Bins hold twice the spread: 0.2 and 0.8.
    assert [index for index, count in enumerate(labels.spread.counts) if count] == [4, 16]


def test_one_labeler_alone_has_no_spread(report_folders: ModuleType) -> None:
    labels = tallied(report_folders, CONFIG).labels
    assert (labels.spreads, labels.agreement.kappa) == (0, None)
