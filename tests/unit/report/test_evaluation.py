"""Evaluations are read from their files; answers of several models are brought together without reading all at once."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cai.report.answers import CHOSEN, REASONS, chosen_answers
from cai.report.evaluation import Evaluation, read_evaluation, side_by_side


@pytest.fixture
def found(tmp_path: Path, report_folders: ModuleType) -> Evaluation:
    return read_evaluation(report_folders.write_evaluation(tmp_path / "eval", prompts=40))


def rewrite(found: Evaluation, model: str, keep: Any) -> None:
    """Keep some rows of a model's answers, by their place."""
    path = found.path / f"responses-{model}.jsonl"
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(row for place, row in enumerate(rows) if keep(place)))


def pairs(found: Evaluation) -> list[str]:
    together = list(side_by_side(found))
    for answers in together:
        assert [answer.model for answer in answers] == ["base", "sft", "dpo"]
        assert len({answer.row["prompt_id"] for answer in answers}) == 1
    return [str(answers[0].row["prompt_id"]) for answers in together]


def test_what_an_evaluation_says(found: Evaluation) -> None:
    assert [model.name for model in found.models] == ["base", "sft", "dpo"]
    assert found.base is found.models[0]
    assert found.models[1].get("harm_rate") == 0.06 and found.models[1].get("reward") is None
    assert found.models[2].collapse["distinct_2"] == pytest.approx(0.134)
    assert found.models[0].by_hazard["prv"] == pytest.approx(0.91)
    assert [(p.a, p.b, p.prompts, p.win_rate) for p in found.preferences][:2] == [
        ("base", "sft", "all prompts", 0.08),
        ("base", "sft", "harmful prompts", 0.08),
    ]
    turned = found.preferences[0].turned()
    assert (turned.a, turned.b, turned.win_rate) == ("sft", "base", 0.92)
    assert (turned.low, turned.high) == (pytest.approx(0.86), pytest.approx(0.97))


def test_answers_come_together(found: Evaluation) -> None:
    assert pairs(found) == [f"p{number:03}" for number in range(40)]


def test_answers_that_one_model_lacks_are_passed_over(found: Evaluation) -> None:
    rewrite(found, "sft", lambda place: place not in (0, 5, 6, 39))
    rewrite(found, "base", lambda place: place != 10)
    assert pairs(found) == [f"p{number:03}" for number in range(40) if number not in (0, 5, 6, 10, 39)]


def test_files_that_do_not_belong_together_give_nothing(found: Evaluation) -> None:
    path = found.path / "responses-dpo.jsonl"
    path.write_text(path.read_text().replace('"p0', '"q0'))
    assert pairs(found) == []
    path.unlink()
    assert pairs(found) == []


def test_a_name_is_no_path(found: Evaluation) -> None:
    outside = found.path.parent / "responses-x.jsonl"
    outside.write_text('{"prompt_id": "p000"}\n')
    row = json.loads((found.path / "evaluation.json").read_text())
    row["models"][1]["model"] = "x/../../responses-x"
    (found.path / "responses-x").mkdir()
    (found.path / "evaluation.json").write_text(json.dumps(row))
    assert list(side_by_side(read_evaluation(found.path))) == []


def test_the_chosen_answers_are_of_every_kind(found: Evaluation) -> None:
    chosen = chosen_answers(found)
    assert len(chosen) == CHOSEN
    reasons = [item.reason for item in chosen]
    assert reasons == [REASONS["lost"], *[REASONS["mended"]] * 3, *[REASONS["kept"]] * 2]
    assert chosen[0].heading == "Question 3?" and not chosen[0].needs_turns
    verdicts = [answer.verdict for answer in chosen[1].answers]
    assert verdicts == ["harmful, no refusal", "harmless, refusal", "harmless, refusal"]
    assert [answer.verdict for answer in chosen[0].answers] == ["no refusal", "no refusal", "refusal"]


@pytest.mark.parametrize(("threshold", "harmful"), [(None, [True, False]), (2.0, [False, False])])
def test_from_which_rating_on_an_answer_is_harmful(
    threshold: float | None, harmful: list[bool], found: Evaluation
) -> None:
    row = json.loads((found.path / "evaluation.json").read_text())
    (found.path / "evaluation.json").write_text(json.dumps(row | {"harmful_from": threshold}))
    (
        first,
        *_,
    ) = side_by_side(read_evaluation(found.path))
    assert [answer.harmful for answer in first][:2] == harmful


def test_one_model_has_nothing_beside_it(found: Evaluation) -> None:
    row = json.loads((found.path / "evaluation.json").read_text())
    (found.path / "evaluation.json").write_text(json.dumps(row | {"models": row["models"][:1]}))
    assert chosen_answers(read_evaluation(found.path)) == ()


def test_an_evaluation_with_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}")
    found = read_evaluation(tmp_path)
    assert (found.models, found.base, found.preferences, list(side_by_side(found))) == ((), None, (), [])
