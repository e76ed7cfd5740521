"""Rows survive the way to plain JSON and back, and ids follow from content alone."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cai.records import (
    Comparison,
    Critique,
    Draft,
    Label,
    Message,
    Prompt,
    Revision,
    Round,
    Trajectory,
    Usage,
    Vote,
    content_hash,
)

HI = (Message("user", "Hi"),)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text()), min_size=1)


@given(MESSAGES, st.text(), st.none() | st.text(), st.lists(st.text()))
def test_a_prompt_survives_json(messages: list[Message], source: str, hazard: str | None, tags: list[str]) -> None:
    prompt = Prompt.of(tuple(messages), source, hazard, tuple(tags))
    assert Prompt.from_dict(json.loads(json.dumps(prompt.to_dict()))) == prompt


def test_a_prompt_s_id_is_of_its_messages_alone() -> None:
    prompt = Prompt.of(HI, "a.jsonl:1")
    assert prompt.id == Prompt.of(HI, "b.csv:9", "vcr", ("x",)).id
    others = [
        (Message("user", "Hi "),),
        (Message("system", "Hi"),),
        (*HI, *HI),
        (Message("user", "H"), Message("user", "i")),
    ]
    assert len({prompt.id, *(Prompt.of(other, "a").id for other in others)}) == 5
    assert len(prompt.id) == 16


def test_ids_never_change() -> None:
    # Journals and datasets hold them: another value here would make every finished record owed again.
    assert Prompt.of(HI, "x").id == content_hash([{"content": "Hi", "role": "user"}])
    assert content_hash("a", 1, None, {"b": [1.5, "\ud800"]}) == "f3e329e24443b8c4"


def test_parts_of_a_hash_are_kept_apart() -> None:
    assert len({content_hash("ab"), content_hash("a", "b"), content_hash(["a", "b"]), content_hash("a", ["b"])}) == 4
    assert content_hash(1) != content_hash("1")
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


def test_a_label_survives_json() -> None:
    votes = (Vote("kind", "ab", 0.25, 0.9), Vote("kind", "ba", 0.75, 0.8))
    label = Label("c", 0.5, 0.85, True, "choice", votes)
    assert Label.from_dict(json.loads(json.dumps(label.to_dict()))) == label


def test_all_that_a_vote_may_hold_survives_json() -> None:
    ratings = ((0.25, 0.75), (1.0, 0.0))
    votes = (
        Vote("kind", "ab", 0.25, 0.9, "labeler.2", True, "Since \ud800 it is kind."),
        Vote("kind", "ab", 0.25, 0.9, ratings=ratings),
    )
    label = Label("c", 0.5, 0.85, False, "ensemble", votes, 0.125)
    assert Label.from_dict(json.loads(json.dumps(label.to_dict()))) == label


def test_a_label_of_before_there_were_labelers_is_read() -> None:
    row = {"comparison_id": "c", "p_a": 0.5, "label_mass": 0.9, "flipped": False, "method": "choice"}
    votes = [{"principle_id": "kind", "order": "ab", "p_a": 0.5, "mass": 0.9}]
    assert Label.from_dict({**row, "votes": votes}) == Label(
        "c", 0.5, 0.9, False, "choice", (Vote("kind", "ab", 0.5, 0.9),)
    )


def test_a_swapped_comparison_is_another_and_twice_is_the_same() -> None:
    pair = Comparison(Prompt.of(HI, "x"), "One", "Two", "sampled")
    assert (pair.swap().response_a, pair.swap().response_b) == ("Two", "One")
    assert pair.swap().id != pair.id
    assert pair.swap().swap() == pair


def test_a_trajectory_s_answers() -> None:
    prompt = Prompt.of(HI, "x")
    draft = Draft("a", "stop")
    assert Trajectory(prompt, draft, ()).final == "a"
    critique = Critique("kind", "hm", "stop")
    rounds = tuple(Round(i, "kind", critique, Revision(text, "stop")) for i, text in ((1, "b"), (2, "c")))
    assert Trajectory(prompt, draft, rounds).answers == ("a", "b", "c")


def test_usage_adds_up() -> None:
    assert Usage(1, 2, 3) + Usage(10, 20, 30) == Usage(11, 22, 33)
