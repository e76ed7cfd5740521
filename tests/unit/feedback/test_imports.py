"""Files into a run: joined by id or content in either order, kept whole or not at all."""

import dataclasses
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.data.splits import split_of
from cai.errors import FeedbackError, RunInUse, StorageError
from cai.feedback.compared import Compared
from cai.feedback.export import export_own
from cai.feedback.import_summary import ImportSummary
from cai.feedback.imports import EQUAL, NOT_IN_RUN, UNKNOWN_ID
from cai.feedback.judgement import UNANSWERED
from cai.feedback.store import FeedbackStore, folder_of, rows_of
from cai.feedback.views import RunView
from cai.records import Message, Prompt
from cai.store.run_dir import RunDir

Take = Callable[..., ImportSummary]


def p_a(store: FeedbackStore, one: Compared) -> float | None:
    verdict = store.verdict(one.content)
    return None if verdict is None else verdict.p_for(one.content.a_hash)


def texts(one: Compared, *, swapped: bool = False) -> dict[str, Any]:
    answers = (one.response_b, one.response_a) if swapped else (one.response_a, one.response_b)
    prompt = [turn.to_dict() for turn in one.prompt.messages]
    return {"prompt": prompt, "response_a": answers[0], "response_b": answers[1]}


def test_an_id_alone_joins_in_the_order_of_the_run_and_of_the_review(
    take: Take, store: FeedbackStore, compared: list[Compared]
) -> None:
    one, two = compared[:2]
    summary = take(
        [
            {"comparison_id": one.id, "preferred": "a", "annotator": "ann"},
            {"comparison_id": two.swapped_id, "preferred": "a", "annotator": "ann"},
        ]
    )
    assert (summary.joined_by_id, summary.own, summary.unjoined) == (2, 0, [])
    assert (p_a(store, one), p_a(store, two)) == (1.0, 0.0)


def test_content_joins_in_either_order_and_through_a_spreadsheet(
    take: Take, store: FeedbackStore, compared: list[Compared], tmp_path: Path
) -> None:
    one, two, three = compared[0], compared[1], compared[4]
    file = tmp_path / "people.csv"
    a = one.response_a.replace("\n", "\r\n")
    file.write_text(
        "prompt,response_a,response_b,preferred\r\n"
        f'"{one.prompt.messages[0].content}","\'{a}","{one.response_b} ",A\r\n'
        f'"{two.prompt.messages[0].content}","{two.response_b}","{two.response_a}",B\r\n',
        newline="",
    )
    assert take(file).joined_by_content == 2
    assert take([texts(three, swapped=True) | {"preferred": "tie"}]).joined_by_content == 1
    assert [p_a(store, found) for found in (one, two, three)] == [1.0, 1.0, 0.5]


def test_texts_beside_an_id_say_the_order_and_a_foreign_row_is_not_forced_in(
    take: Take, store: FeedbackStore, compared: list[Compared]
) -> None:
    one, two, three = compared[:3]
    summary = take(
        [
            {"comparison_id": one.id, **texts(one, swapped=True), "preferred": "a"},
            {"comparison_id": two.id, **texts(two), "response_b": "cut off by a tool", "preferred": "a"},
            {"comparison_id": three.id, **texts(compared[5]), "preferred": "a"},
        ]
    )
    assert p_a(store, one) == 0.0
    assert p_a(store, two) == 1.0
    assert p_a(store, three) is None and p_a(store, compared[5]) == 1.0
    assert (summary.joined_by_id, summary.joined_by_content) == (2, 1)


def test_ratings_become_a_comparison(take: Take, store: FeedbackStore, compared: list[Compared]) -> None:
    rows = [(4, 2), (2.0, "4"), (3, 3), (5, None)]
    summary = take(
        [{"comparison_id": c.id, "rating_a": a, "rating_b": b} for c, (a, b) in zip(compared, rows, strict=False)]
    )
    assert [p_a(store, one) for one in compared[:4]] == [1.0, 0.0, 0.5, None]
    assert summary.unused == {"only one of the two answers was rated": 1}


def test_what_the_run_has_not_is_listed_and_kept_as_its_own(take: Take, store: FeedbackStore) -> None:
    row = {"prompt": "What is new?", "response_a": "x", "response_b": "y", "preferred": "b", "hazard": "vcr"}
    swapped = row | {"response_a": "y", "response_b": "x", "preferred": "a", "annotator": "bo"}
    summary = take([row, swapped, {"comparison_id": "0" * 16, "preferred": "a"}])
    assert (summary.own, summary.unused, summary.rows) == (2, {UNKNOWN_ID: 1}, 3)
    assert {(listed.number, listed.reason) for listed in summary.unjoined} == {
        (1, NOT_IN_RUN),
        (2, NOT_IN_RUN),
        (3, UNKNOWN_ID),
    }
    (verdict,) = store.verdicts()
    assert (verdict.response_a, verdict.p_a, verdict.hazard, verdict.in_run) == ("x", 0.0, "vcr", False)


def test_rows_without_a_judgement_are_counted_by_reason(take: Take, compared: list[Compared]) -> None:
    summary = take(
        [
            {"comparison_id": compared[0].id, "preferred": ""},
            {"comparison_id": compared[1].id, "preferred": "a"},
            {"prompt": "p", "response_a": "same", "response_b": " same\n", "preferred": "a"},
        ]
    )
    assert summary.unused == {UNANSWERED: 1, EQUAL: 1}
    assert summary.rows == summary.joined_by_id + summary.joined_by_content + summary.own + sum(summary.unused.values())


def test_who_judges_again_corrects_and_the_same_file_twice_changes_nothing(
    take: Take, store: FeedbackStore, compared: list[Compared]
) -> None:
    one, two = compared[:2]
    rows = [
        {"comparison_id": one.id, "preferred": "a", "annotator": "ann"},
        {"comparison_id": one.id, "preferred": "b", "annotator": "ann"},
        {"comparison_id": two.id, "preferred": "a"},
        {"comparison_id": two.id, "preferred": "b"},
    ]
    first = take(rows)
    assert (first.judgements, first.repeated, first.corrected) == (3, 1, 0)
    assert (p_a(store, one), p_a(store, two)) == (0.0, 0.5)
    again = take(rows)
    assert (again.judgements, again.repeated, again.corrected) == (3, 1, 3)
    corrected = take([{"comparison_id": one.id, "preferred": "a", "annotator": "ann"}], file="later.jsonl")
    assert (p_a(store, one), corrected.judgements) == (1.0, 3)


def test_votes_of_several_people_are_a_share(take: Take, store: FeedbackStore, compared: list[Compared]) -> None:
    one = compared[0]
    said = {"ann": "a", "bo": "a", "cy": "b", "di": "tie"}
    take([{"comparison_id": one.id, "preferred": p, "annotator": who} for who, p in said.items()])
    assert p_a(store, one) == pytest.approx(2.5 / 4)


def test_one_bad_row_leaves_the_store_as_it_was(take: Take, store: FeedbackStore, compared: list[Compared]) -> None:
    take([{"comparison_id": compared[0].id, "preferred": "a"}])
    with pytest.raises(FeedbackError, match=r"people\.jsonl:2.*'C' is not a preference"):
        take([{"comparison_id": compared[1].id, "preferred": "b"}, {"comparison_id": compared[2].id, "preferred": "C"}])
    assert [verdict.id for verdict in store.verdicts()] == [compared[0].id]


def test_replace_forgets_what_was_there_but_not_if_the_new_file_is_bad(
    take: Take, store: FeedbackStore, compared: list[Compared]
) -> None:
    take([{"comparison_id": compared[0].id, "preferred": "a"}])
    with pytest.raises(FeedbackError):
        take([{"comparison_id": compared[1].id}], replace=True)
    assert len(list(store.verdicts())) == 1
    take([{"comparison_id": compared[1].id, "preferred": "b"}], replace=True)
    assert [verdict.id for verdict in store.verdicts()] == [compared[1].id]


def test_an_own_comparison_that_the_run_has_later_keeps_its_votes(
    take: Take, store: FeedbackStore, compared: list[Compared], view: RunView
) -> None:
    one = compared[0]
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO comparison VALUES (?, ?, 'own', ?, 'train', NULL, 0, '[]', ?, ?)",
            (one.content.key, one.content.b_hash, one.prompt.id, one.response_b, one.response_a),
        )
        connection.execute(
            "INSERT INTO judgement VALUES (?, 'old', 1, 1.0, NULL, NULL, NULL, 'f', 1)", (one.content.key,)
        )
    take([{"comparison_id": one.id, "preferred": "b", "annotator": "new"}])
    verdict = store.verdict(one.content)
    assert verdict is not None and (verdict.id, verdict.in_run, len(verdict.votes)) == (one.id, True, 2)
    # Both prefer answer B of the run.
    assert verdict.p_for(one.content.a_hash) == 0.0


def test_prompts_keep_the_split_of_the_run(take: Take, store: FeedbackStore, compared: list[Compared]) -> None:
    take([texts(one) | {"response_a": "other", "preferred": "a"} for one in compared])
    splits = {one.prompt.id: one.split for one in compared}
    assert {verdict.prompt_id: verdict.split for verdict in store.verdicts()} == splits
    assert set(splits.values()) == {"train", "eval"}


def test_a_prompt_that_the_run_has_not_is_drawn_by_its_id(view: RunView) -> None:
    prompts = [Prompt.of((Message("user", f"{n * 7919} unheard of {n**9}"),), "x") for n in range(60)]
    splits = view.splits(prompts)
    assert splits == {prompt.id: split_of(prompt.id, view.split, view.seed) for prompt in prompts}
    assert set(splits.values()) == {"train", "eval"}


def test_a_prompt_that_is_nearly_one_of_the_run_goes_where_that_one_is(
    view: RunView, compared: list[Compared], take: Take, store: FeedbackStore
) -> None:
    singles = [one for one in compared if len(one.prompt.messages) == 1]
    nearly = [Prompt.of((Message("user", f"{one.prompt.messages[0].content.upper()}!"),), "x") for one in singles]
    splits = view.splits(nearly)
    assert splits == {near.id: one.split for near, one in zip(nearly, singles, strict=True)}
    assert set(splits.values()) == {"train", "eval"}
    alone = dataclasses.replace(view, split=view.split.model_copy(update={"near_duplicates": None}))
    drawn = {near.id: split_of(near.id, view.split, view.seed) for near in nearly}
    assert alone.splits(nearly) == drawn != splits
    take([{"prompt": p.messages[0].content, "response_a": "x", "response_b": "y", "preferred": "a"} for p in nearly])
    assert {verdict.prompt_id: verdict.split for verdict in store.verdicts()} == splits


def test_own_prompts_that_are_nearly_the_same_share_a_split(take: Take, store: FeedbackStore) -> None:
    words = ("harbour", "violin", "thunder", "biscuit", "lantern", "granite", "meadow", "compass", "saffron", "glacier")
    rows = [
        {
            "prompt": f"{mark}{' '.join((word, *words[n:], *words[:n]))}",
            "response_a": "x",
            "response_b": "y",
            "preferred": "a",
        }
        for n, word in enumerate(words)
        for mark in ("", "- ", "?? ")
    ]
    # What comes later is near to what an earlier import drew.
    for part in (rows[::2], rows[1::2]):
        take(part)
    splits: dict[str, set[str]] = {}
    for verdict in store.verdicts():
        splits.setdefault(verdict.prompt[0].content.lstrip("-? "), set()).add(verdict.split)
    assert len(splits) == len(words) and all(len(found) == 1 for found in splits.values())


def test_ai_labels_are_not_taken_for_people(take: Take, run: RunDir) -> None:
    with pytest.raises(FeedbackError, match="AI label"):
        take(next(run.preferences.glob("train-*.parquet")))


def test_a_damaged_or_foreign_store_is_named(run: RunDir) -> None:
    path = folder_of(run) / "judgements.db"
    path.parent.mkdir()
    path.write_text("not a database, but long enough to be looked at by SQLite " * 20)
    with pytest.raises(StorageError, match=r"judgements\.db"):
        FeedbackStore.open(run)
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE foreign_ (x)").connection.close()
    with pytest.raises(StorageError, match="no file of human feedback"):
        FeedbackStore.existing(run)


def test_the_journal_is_not_touched(take: Take, run: RunDir, compared: list[Compared]) -> None:
    before = run.journal_path.read_bytes()
    take([{"comparison_id": compared[0].id, "preferred": "a"}])
    assert run.journal_path.read_bytes() == before


def test_two_imports_at_once_are_one_after_the_other(store: FeedbackStore, run: RunDir) -> None:
    with store.alone(), FeedbackStore.open(run) as other, pytest.raises(RunInUse), other.alone():
        pass
    with store.alone():
        pass


def test_neither_the_order_of_rows_nor_of_answers_matters(
    take: Take, store: FeedbackStore, compared: list[Compared]
) -> None:
    rows = [
        texts(one, swapped=bool((number + who) % 2)) | {"preferred": "ab"[(number * who) % 2], "annotator": f"p{who}"}
        for number, one in enumerate(compared[:8])
        for who in range(3)
    ]
    rows += [{**row, "prompt": "new"} for row in rows[:3]]
    take(rows)
    shares = {one.id: p_a(store, one) for one in compared[:8]}
    random.Random(4).shuffle(rows)
    take(rows, replace=True)
    assert {one.id: p_a(store, one) for one in compared[:8]} == shares and len(list(store.verdicts())) == 9
    assert len(set(shares.values())) > 1


def test_what_a_killed_import_left_half_done_is_rolled_back(
    take: Take, store: FeedbackStore, run: RunDir, compared: list[Compared], tmp_path: Path
) -> None:
    take([{"comparison_id": compared[0].id, "preferred": "a"}])
    killed = RunDir(tmp_path / "killed")
    with store.transaction() as connection:
        # A page of memory at most, so that the rest goes to the disk before it is committed.
        connection.execute("PRAGMA cache_size = 1")
        connection.executemany(
            "INSERT INTO judgement VALUES (?, 'x', 1, 1.0, NULL, NULL, ?, 'f', 1)",
            [(str(n), "long" * 999) for n in range(99)],
        )
        shutil.copytree(folder_of(run), folder_of(killed))
    assert (folder_of(killed) / "judgements.db-journal").stat().st_size
    left = FeedbackStore.existing(killed)
    assert left is not None
    with left:
        assert [verdict.id for verdict in left.verdicts()] == [compared[0].id]
        with left.transaction() as connection:
            assert connection.execute("SELECT COUNT(*) FROM judgement").fetchone() == (1,)


def test_rows_to_train_on_are_never_older_than_what_is_kept(
    take: Take, view: RunView, store: FeedbackStore, run: RunDir, compared: list[Compared]
) -> None:
    take([{"comparison_id": compared[0].id, "preferred": "a"}])
    export_own(view, store)
    with pytest.raises(FeedbackError):
        take([{"comparison_id": compared[1].id}])
    assert rows_of(run).is_dir()
    take([{"comparison_id": compared[1].id, "preferred": "b"}])
    assert not rows_of(run).exists()
