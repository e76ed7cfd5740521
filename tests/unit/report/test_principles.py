"""Figures by principle, held to counts by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from cai.records import Comparison, Label, Message, Outcome, Prompt, Step, Verdict, Vote
from cai.report.principles import FEW, PrincipleFigures, PrincipleTally
from cai.store.reader import JournalRecord, StepKey

Round = dict[str, Any]
BAD = Verdict(True, 3, "x", True).to_dict()
GOOD = Verdict(False, 0, "", False).to_dict()


def record(number: int, rounds: Sequence[Round], label: Label | None = None, source: str = "draft_vs_revision") -> Any:
    """A finished record; each round is a row of its trajectory step with the `text` of its revision."""
    prompt = Prompt.of((Message("user", f"Question {number}"),), "p.jsonl:1")
    answers = ["one two three four"]
    steps = [Step(prompt.id, "draft", 0, 0, "a", "done", {"text": answers[0]})]
    rows = []
    for index, row in enumerate(rounds, start=1):
        text = row.get("text")
        attempt = row.get("attempt", 0)
        if text is not None:
            answers.append(text)
            steps.append(Step(prompt.id, "revision", index, attempt, "a", "done", {"text": text}))
        rows.append(
            {
                "index": index,
                "principle_ids": row["by"],
                "critique": False,
                "revision": None if text is None else attempt,
                "flaw": row.get("flaw"),
                "verdict": row.get("verdict"),
            }
        )
    if label is not None:
        body = {"response_a": answers[0], "response_b": answers[-1], "source": source, "label": label.to_dict()}
        steps.append(Step(prompt.id, "label", 0, 0, "a", "done", body))
    standing = {"rounds": rows, "comparisons": [0] if label else [], "unlabelled": None}
    steps.append(Step(prompt.id, "trajectory", 0, 0, "a", "done", standing))
    keyed = {StepKey(step.stage, step.round, step.attempt): step for step in steps}
    return JournalRecord(prompt, "train", Outcome(prompt.id, "trajectory", None, "plan"), keyed)


def label_of(*votes: Vote) -> Label:
    p_a = sum(vote.p_a for vote in votes) / len(votes)
    prompt = Prompt.of((Message("user", "x"),), "p:1")
    return Label(Comparison(prompt, "a", "b", "draft_vs_revision").id, p_a, 0.9, False, "choice", votes)


def figures(*records: JournalRecord, ids: Sequence[str] = ()) -> dict[str, PrincipleFigures]:
    tally = PrincipleTally(ids)
    for one in records:
        tally.add(one)
    assert tally.records == len(records)
    return tally.ordered()


def test_rounds_changes_edits_retries_and_flaws() -> None:
    found = figures(
        record(1, [{"by": ["kind"], "text": "one two three five"}, {"by": ["kind"], "text": "one two three five"}]),
        record(2, [{"by": ["kind"], "text": "six", "attempt": 2, "flaw": "looping"}]),
    )
    kind = found["kind"]
    assert (kind.rounds, kind.records, kind.changed, kind.retries) == (3, 2, 2, 2)
    assert dict(kind.flaws) == {"looping": 1}
    # A quarter of the words of the first, all of the second.
    assert kind.edits == pytest.approx(1.25)
    assert kind.to_row()["mean_edit"] == pytest.approx(0.625)
    assert (kind.fired, kind.verdicts) == (pytest.approx(2 / 3), 0)


def test_a_verdict_says_more_than_a_change() -> None:
    found = figures(
        record(1, [{"by": ["kind"], "text": "other", "verdict": GOOD}, {"by": ["kind"], "verdict": GOOD}]),
        record(2, [{"by": ["kind"], "text": "other", "verdict": BAD}]),
    )
    kind = found["kind"]
    assert (kind.verdicts, kind.violations, kind.changed, kind.fired) == (3, 1, 2, pytest.approx(1 / 3))


def test_every_principle_of_a_round_counts_it() -> None:
    found = figures(record(1, [{"by": ["kind", "true"], "text": "other"}]))
    assert [(name, one.rounds, one.changed) for name, one in found.items()] == [("kind", 1, 1), ("true", 1, 1)]


def test_wins_are_of_the_records_that_drew_it_and_votes_of_its_own_judging() -> None:
    # The draft is A, so a low p_a is for the revision.
    won = label_of(Vote("judge", "ab", 0.1, 0.9), Vote("judge", "ba", 0.3, 0.9))
    lost = label_of(Vote("judge", "ab", 0.9, 0.9), Vote("judge", "ba", 0.4, 0.9))
    tied = label_of(Vote("judge", "ab", 0.5, 0.9), Vote("judge", "ba", 0.5, 0.9))
    rounds = [{"by": ["kind"], "text": "better"}, {"by": ["kind"], "text": "best"}]
    found = figures(*(record(n, rounds, label) for n, label in enumerate((won, lost, tied))))
    kind, judge = found["kind"], found["judge"]
    assert (kind.compared, kind.won, kind.votes, kind.to_row()["mean_p_revision"]) == (3, 1.5, 0, None)
    assert (judge.compared, judge.votes, judge.on_revisions) == (0, 6, 6)
    assert judge.p_revision == pytest.approx(0.9 + 0.7 + 0.1 + 0.6 + 0.5 + 0.5)
    assert (judge.both_orders, judge.flips) == (3, 1)
    assert judge.sure == pytest.approx(0.8 + 0.4 + 0.8 + 0.2)


def test_comparisons_of_samples_say_nothing_of_revisions() -> None:
    label = label_of(Vote("judge", "ab", 0.1, 0.9), Vote("judge", "ba", 0.1, 0.9))
    found = figures(record(1, [{"by": ["kind"], "text": "other"}], label, "sampled"))
    assert (found["kind"].compared, found["judge"].votes, found["judge"].on_revisions) == (0, 2, 0)


def test_orders_are_matched_within_a_labeler_and_a_way_of_asking() -> None:
    label = label_of(
        Vote("judge", "ab", 0.9, 0.9, "labeler.1"),
        Vote("judge", "ba", 0.1, 0.9, "labeler.2"),
        Vote("judge", "ba", 0.1, 0.9, "labeler.1", negated=True),
    )
    assert figures(record(1, [], label))["judge"].both_orders == 0


def test_those_that_fire_most_come_first_and_those_never_drawn_last() -> None:
    changed, same = {"by": ["often"], "text": "other"}, {"by": ["seldom"], "text": "one two three four"}
    label = label_of(Vote("judge", "ab", 0.1, 0.9))
    found = figures(record(1, [changed]), record(2, [same], label), ids=("unused",))
    assert list(found) == ["often", "seldom", "judge", "unused"]
    assert found["unused"].hints == ("never drawn",)


@pytest.mark.parametrize(
    ("one", "hint"),
    [
        (PrincipleFigures(rounds=FEW, changed=0), "never fires"),
        (PrincipleFigures(rounds=FEW, changed=FEW), "always fires"),
        (PrincipleFigures(rounds=FEW, changed=FEW, verdicts=FEW, violations=0), "never fires"),
        (PrincipleFigures(votes=2 * FEW, both_orders=FEW, flips=FEW // 2), "order decides"),
        (PrincipleFigures(votes=FEW, on_revisions=FEW, p_revision=FEW / 2 - 0.1), "prefers the draft"),
        (PrincipleFigures(rounds=FEW - 1, changed=0), "too few"),
    ],
)
def test_hints(one: PrincipleFigures, hint: str) -> None:
    assert one.hints == (hint,)


def test_flaws_of_more_than_a_fifth_are_pointed_out() -> None:
    one = PrincipleFigures(rounds=FEW, changed=1)
    one.flaws.update({"looping": 2})
    assert one.hints == ()
    one.flaws.update({"truncated": 1})
    assert one.hints == ("often flawed",)


def test_what_is_in_the_middle_needs_no_hint() -> None:
    assert PrincipleFigures(rounds=FEW, changed=3, votes=FEW, on_revisions=FEW, p_revision=FEW * 0.6).hints == ()
