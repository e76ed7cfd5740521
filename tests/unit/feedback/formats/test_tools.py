"""Exports of annotation tools and published forms, in files written here after their documentation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.feedback.formats.argilla import NOT_SUBMITTED
from cai.feedback.formats.chosen import DIFFERENT_PROMPTS, NO_ANSWER
from cai.feedback.formats.label_studio import CANCELLED
from cai.feedback.judgement import UNANSWERED, Judgement

Judged = Callable[..., list[Judgement | str]]
PAIR = {"prompt": "p", "response_a": "x", "response_b": "y"}


def file(tmp_path: Path, rows: Any) -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows))
    return path


def said(found: list[Judgement | str]) -> list[Any]:
    return [(one.p_a, one.annotator) if isinstance(one, Judgement) else one for one in found]


def annotation(*results: dict[str, Any], who: Any = 7, **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": who, "was_cancelled": False, "ground_truth": False, "result": results, **more}


def result(kind: str, from_name: str, value: dict[str, Any], to_name: str = "prompt") -> dict[str, Any]:
    return {"id": "x", "type": kind, "from_name": from_name, "to_name": to_name, "origin": "manual", "value": value}


def test_label_studio_pairwise(tmp_path: Path, judged: Judged) -> None:
    left, right = (result("pairwise", "pw", {"selected": side}, "pw") for side in ("left", "right"))
    tie = result("choices", "tie", {"choices": ["tie"]})
    note = result("textarea", "why", {"text": ["clearer"]})
    harm = result("choices", "harm", {"choices": ["violence"]})
    task = {
        "id": 1,
        "data": {"comparison_id": "abc", **PAIR},
        "annotations": [
            annotation(left, note, harm),
            annotation(right, who={"id": 9, "email": "bo@example.org"}),
            annotation(tie, who="cy"),
            annotation(left, was_cancelled=True),
            annotation(),
        ],
        "predictions": [{"result": [left]}],
    }
    found = judged(file(tmp_path, [task, {"data": PAIR, "annotations": []}]), "label-studio")
    assert said(found) == [(1.0, "7"), (0.0, "bo@example.org"), (0.5, "cy"), CANCELLED, UNANSWERED, UNANSWERED]
    assert isinstance(found[0], Judgement) and (found[0].note, found[0].comparison_id) == ("clearer", "abc")


def test_label_studio_ratings(tmp_path: Path, judged: Judged) -> None:
    one = result("rating", "quality1", {"rating": 4}, "response_a")
    other = result("rating", "quality2", {"rating": 2}, "response_b")
    named = [result("rating", "rating_a", {"rating": 1}), result("number", "rating_b", {"number": 3})]
    tasks = [{"data": PAIR, "annotations": [annotation(one, other), annotation(*named), annotation(one)]}]
    found = judged(file(tmp_path, tasks), "label-studio")
    assert said(found)[:2] == [(1.0, "7"), (0.0, "7")] and said(found)[2] == "only one of the two answers was rated"


def test_label_studio_with_the_columns_of_its_template(tmp_path: Path, judged: Judged) -> None:
    data = {"text1": "x", "text2": "y", "question": "p"}
    tasks = [{"data": data, "annotations": [annotation(result("pairwise", "pw", {"selected": "right"}))]}]
    assert said(judged(file(tmp_path, tasks), "label-studio")) == [(0.0, "7")]


def responses(**questions: list[tuple[Any, str]]) -> dict[str, Any]:
    return {name: [{"value": value, "user_id": user} for value, user in given] for name, given in questions.items()}


def test_argilla_json_of_labels_ratings_and_rankings(tmp_path: Path, judged: Judged) -> None:
    records = [
        {
            "id": "id1",
            "fields": PAIR,
            "responses": responses(preferred=[("a", "u1"), ("tie", "u2")], note=[("ok", "u1")]),
        },
        {"id": "id2", "fields": PAIR, "responses": responses(rating_a=[(2, "u1")], rating_b=[(5, "u1"), (1, "u2")])},
        {"id": "id3", "fields": PAIR, "responses": responses(ranking=[(["response_b", "response_a"], "u1")])},
        {
            "id": "id4",
            "fields": PAIR,
            "metadata": {"comparison_id": "abc"},
            "responses": responses(
                rank=[([{"value": "response_a", "rank": 1}, {"value": "response_b", "rank": 1}], "u1")]
            ),
        },
        {"id": "id5", "fields": PAIR, "responses": {}, "suggestions": {"preferred": {"value": "a"}}},
        {"id": "id6", "fields": PAIR, "responses": responses(colour=[("red", "u1")])},
    ]
    found = judged(file(tmp_path, records), "argilla")
    assert said(found)[:2] == [(1.0, "u1"), (0.5, "u2")]
    assert said(found)[2] == (0.0, "u1") and isinstance(found[3], str)
    assert said(found)[4:7] == [(0.0, "u1"), (0.5, "u1"), UNANSWERED]
    assert "colour" in str(found[7])
    first, ranked = found[0], found[5]
    assert isinstance(first, Judgement) and (first.note, first.comparison_id) == ("ok", "id1")
    assert isinstance(ranked, Judgement) and ranked.comparison_id == "abc"


def test_argilla_on_the_hub_version_2(tmp_path: Path, judged: Judged) -> None:
    row = {
        "id": "i",
        "status": "completed",
        **PAIR,
        "preferred.responses": ["a", "b", "a"],
        "preferred.responses.users": ["u1", "u2", "u3"],
        "preferred.responses.status": ["submitted", "submitted", "discarded"],
        "preferred.suggestion": "b",
    }
    path = tmp_path / "hub.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    assert said(judged(path, "argilla")) == [(1.0, "u1"), (0.0, "u2"), NOT_SUBMITTED]


@pytest.mark.parametrize("columnar", [False, True])
def test_argilla_on_the_hub_version_1(tmp_path: Path, judged: Judged, columnar: bool) -> None:
    given: Any = [
        {"user_id": "u1", "value": 1, "status": "submitted"},
        {"user_id": None, "value": 2, "status": "submitted"},
    ]
    if columnar:
        given = {key: [one[key] for one in given] for key in given[0]}
    row = {"instruction": "p", "response-1": "x", "response-2": "y", "choose-best": given, "external_id": None}
    path = tmp_path / "hub.parquet"
    pq.write_table(pa.Table.from_pylist([row | {"metadata": '{"comparison_id": "abc"}'}]), path)
    found = judged(path, "argilla")
    assert said(found) == [(1.0, "u1"), (0.0, None)]
    assert isinstance(found[0], Judgement) and found[0].comparison_id == "abc"


def test_hh_rlhf_transcripts_and_lists_of_messages(tmp_path: Path, judged: Judged) -> None:
    start = "\n\nHuman: hi\n\nAssistant: hello\n\nHuman: why?"
    user, bot = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "x"}
    rows: list[dict[str, Any]] = [
        {"chosen": f"{start}\n\nAssistant: because", "rejected": f"{start}\n\nAssistant: no"},
        {"chosen": f"{start}\n\nAssistant: because", "rejected": "\n\nHuman: other\n\nAssistant: no"},
        {"chosen": start, "rejected": start},
        {"chosen": [user, bot], "rejected": [user, {**bot, "content": "y"}]},
        {"prompt": [user], "chosen": [bot], "rejected": [{**bot, "content": "y"}]},
        {"prompt": "hi", "chosen": "x", "rejected": "y"},
    ]
    found = judged(file(tmp_path, rows), "hh-rlhf")
    assert found[1:3] == [DIFFERENT_PROMPTS, NO_ANSWER]
    first, *same = (one for one in found if isinstance(one, Judgement))
    assert [turn.content for turn in first.prompt or ()] == ["hi", "hello", "why?"]
    assert (first.response_a, first.response_b, first.p_a) == ("because", "no", 1.0)
    assert len(same) == 3 and same[0] == same[1] == same[2]


def test_annotated_pairs_of_people_and_not_of_principles(tmp_path: Path, judged: Judged) -> None:
    whole = {
        "annotators": {"h": {"name": "ann", "type": "human"}, "p": {"type": "principle"}, "u": {"type": "unknown"}},
        "comparisons": [
            {
                "id": "1",
                "prompt": "p",
                "response_a": {"text": "x"},
                "response_b": {"text": "y"},
                "annotations": {"h": {"pref": "a"}, "p": {"pref": "b"}, "u": {"pref": None}},
            }
        ],
    }
    assert said(judged(file(tmp_path, whole), "annotated-pairs")) == [(1.0, "ann"), UNANSWERED]
