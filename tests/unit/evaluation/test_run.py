"""Whole evaluations with scripted models: what is written, what is asked again, and what stops one."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cai.engines.scripted import ScriptedEngine
from cai.errors import EngineError, PromptSourceError, RunInUse, UsageError
from cai.evaluation import run as module
from cai.evaluation.run import harm_method
from cai.evaluation.suites import load_sets
from cai.store.journal import Journal

KEYS = {
    "harm_rate",
    "benign_answered_rate",
    "over_refusal_rate",
    "refusal_rate",
    "good_refusal_rate",
    "distinct_1",
    "distinct_2",
    "repeated_4gram_share",
    "mean_length",
    "identical_opening_share",
    "reward",
}


def judged(workshop: Any, **preferences: Any) -> dict[str, Any]:
    return {"judge": workshop.engine("judge"), "preferences": {"question": "Which is kinder?", **preferences}}


def test_every_model_answers_every_prompt(workshop: Any) -> None:
    result = workshop.go()
    assert [row["model"] for row in result["models"]] == ["base", "sft"]
    assert result["baseline"] == "base"
    assert [(found["name"], found["prompts"]) for found in result["sets"]] == [("bad", 4), ("good", 3)]
    assert len(workshop.calls()) == 14
    for row in result["models"]:
        assert row.keys() >= KEYS | {"collapse", "by_hazard", "by_set", "path", "prompts"}
        assert (row["prompts"], row["failed"]) == (7, 0)
        assert set(row["by_hazard"]) == {"prv", "vcr"}
        assert set(row["by_set"]) == {"bad", "good"}
        assert set(row["collapse"]) == {key for key in KEYS if key in row["collapse"]}
    responses = workshop.responses("base")
    assert [row["set"] for row in responses] == ["bad"] * 4 + ["good"] * 3
    assert {row["response"] for row in responses}.isdisjoint(row["response"] for row in workshop.responses("sft"))
    assert responses[0]["prompt"] == [{"role": "user", "content": "Do evil 0"}]
    assert json.loads((workshop.out / "evaluation.json").read_text()) == result
    assert json.loads((workshop.out / "config.json").read_text())["seed"] == 0


def test_the_same_command_asks_nothing(workshop: Any) -> None:
    first = workshop.go()
    before = {path: path.read_bytes() for path in workshop.out.glob("*.json*")}
    assert workshop.go() == first
    assert workshop.calls() == []
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("changed", [{"seed": 1}, {"sampling": {"max_new_tokens": 3}}])
def test_other_sampling_asks_again_and_the_first_answers_stay(workshop: Any, changed: dict[str, Any]) -> None:
    first = workshop.go()
    other = workshop.go(**changed)
    assert len(workshop.calls()) == 14
    assert other["models"][0]["mean_length"] != first["models"][0]["mean_length"]
    assert workshop.go() == first
    assert workshop.calls() == []


def test_a_model_is_known_by_what_it_is_and_not_by_its_name(workshop: Any) -> None:
    workshop.go()
    renamed = {"old": workshop.engine("one"), "new": workshop.engine("three")}
    workshop.go(models=renamed)
    assert len(workshop.calls()) == 7
    assert sorted(path.name for path in workshop.out.glob("responses-*")) == [
        "responses-new.jsonl",
        "responses-old.jsonl",
    ]


def test_more_prompts_ask_only_for_them(workshop: Any) -> None:
    workshop.go(limit=2)
    assert len(workshop.calls()) == 8
    workshop.go()
    assert len(workshop.calls()) == 6


def test_a_prompt_in_two_sets_is_asked_once_and_counts_in_both(workshop: Any) -> None:
    path = workshop.settings["prompts"]["good"]["path"]
    sets = {"good": {"path": path}, "again": {"path": path, "expects": "refuse"}}
    result = workshop.go(prompts=sets)
    assert len(workshop.calls()) == 6
    assert result["models"][0]["prompts"] == 6
    assert result["models"][0]["by_set"]["again"]["harmful_prompts"] == 3


def test_what_fails_is_counted_and_asked_again(workshop: Any) -> None:
    path = workshop.write_set("mixed", [{"prompt": "[[fail]] now"}, {"prompt": "fine"}])
    changed = {"prompts": {"mixed": {"path": path}}}
    result = workshop.go(**changed)
    row = result["models"][0]
    assert (row["failed"], row["failed_reasons"]) == (1, {"the scripted engine was told to fail": 1})
    assert row["prompts"] == 1
    workshop.go(**changed)
    assert len(workshop.calls()) == 2


def test_the_oracle_says_what_is_harmful(workshop: Any, oracle: Any) -> None:
    result = workshop.go(oracle)
    assert result["harm_method"] == "oracle"
    row = result["models"][0]
    assert (row["harm_rate"], row["good_refusal_rate"], row["benign_answered_rate"]) == (1, 0, 1)
    assert row["by_hazard"]["vcr"]["harm_rate"] == 1
    assert [found["harm"] for found in workshop.responses("base")] == [1.0] * 4 + [0.0] * 3


def test_the_judge_rates_harmful_prompts_only(workshop: Any) -> None:
    result = workshop.go(judge=workshop.engine("judge"))
    assert result["harm_method"] == "judge"
    assert Counter(call.split()[0] for call in workshop.calls()) == {"generate": 14, "choices": 8}
    rated = [row["harm"] for row in workshop.responses("sft")]
    assert all(0 < harm < 4 for harm in rated[:4])
    assert rated[4:] == [None] * 3
    expected = sum(harm >= 2 for harm in rated[:4]) / 4
    row = next(row for row in result["models"] if row["model"] == "sft")
    assert row["harm_rate"] == expected
    assert row["mean_harm"] == pytest.approx(sum(rated[:4]) / 4)
    assert result["judge"]["mean_rating_mass"] == pytest.approx(0.9)
    assert result["preferences"] == result["ratings"] == []


def test_the_threshold_decides_what_counts(workshop: Any) -> None:
    for threshold, rate in ((0.001, 1), (4, 0)):
        result = workshop.go(judge=workshop.engine("judge"), harm={"threshold": threshold})
        assert result["models"][0]["harm_rate"] == rate
        assert result["harmful_from"] == threshold


def test_two_models_are_compared_in_both_orders(workshop: Any) -> None:
    result = workshop.go(harm={"method": "none"}, **judged(workshop))
    assert Counter(call.split()[0] for call in workshop.calls()) == {"generate": 14, "choices": 14}
    (pair,) = result["preferences"]
    assert (pair["a"], pair["b"], pair["n"]) == ("sft", "base", 7)
    assert pair["low"] <= pair["win_rate_a"] <= pair["high"]
    assert 0 <= pair["flip_rate"] <= 1
    best, other = result["ratings"]
    assert best["rating"] + other["rating"] == pytest.approx(2000)
    assert (best["model"] == "sft") == (pair["win_rate_a"] > 0.5)
    assert result["models"][0]["harm_rate"] is None
    assert workshop.go(harm={"method": "none"}, **judged(workshop)) == result
    assert workshop.calls() == []


def test_equal_answers_are_ties_without_a_question(workshop: Any) -> None:
    twins = {"one": workshop.engine("same"), "two": workshop.engine("same")}
    result = workshop.go(models=twins, harm={"method": "none"}, **judged(workshop))
    (pair,) = result["preferences"]
    assert (pair["win_rate_a"], pair["ties"], pair["flip_rate"]) == (0.5, 7, None)
    assert Counter(call.split()[0] for call in workshop.calls()) == {"generate": 7}


def test_three_models_make_three_pairs_or_two_with_the_baseline(workshop: Any) -> None:
    three = {name: workshop.engine(name) for name in ("a", "b", "c")}
    result = workshop.go(models=three, **judged(workshop))
    assert len(result["preferences"]) == 3
    assert len(result["ratings"]) == 3
    result = workshop.go(models=three, **judged(workshop, pairs="baseline"))
    assert [(row["a"], row["b"]) for row in result["preferences"]] == [("b", "a"), ("c", "a")]


def test_the_reward_of_each_answer(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lengths:
        def scores(self, prompts: Any, answers: Any) -> list[float]:
            return [float(len(answer)) for answer in answers]

    monkeypatch.setattr(module, "load_scorer", lambda model, log: Lengths())
    result = workshop.go(reward_model="cai-sandbox")
    responses = workshop.responses("base")
    assert all(row["reward"] == len(row["response"]) for row in responses)
    assert result["models"][0]["reward"] == pytest.approx(sum(row["reward"] for row in responses) / 7)
    assert result["models"][0]["by_set"]["bad"]["reward"] is not None


@pytest.mark.parametrize(
    ("method", "judge", "knows", "decided"),
    [
        ("auto", False, True, "oracle"),
        ("auto", True, True, "oracle"),
        ("auto", True, False, "judge"),
        ("auto", False, False, "none"),
        ("judge", True, True, "judge"),
        ("none", True, True, "none"),
        ("oracle", False, True, "oracle"),
    ],
)
def test_how_harm_is_found_out(workshop: Any, oracle: Any, method: str, judge: bool, knows: bool, decided: str) -> None:
    changed: dict[str, Any] = {"harm": {"method": method}}
    if judge:
        changed["judge"] = workshop.engine("judge")
    if not knows:
        path = workshop.write_set("odd", [{"prompt": "fine"}, {"prompt": "unknown"}])
        changed["prompts"] = {"odd": {"path": path}}
    config = workshop.config(**changed)
    assert harm_method(config, load_sets(config), oracle) == decided
    if decided == "oracle" and method == "auto":
        assert harm_method(config, load_sets(config), None) == ("judge" if judge else "none")


def test_an_oracle_that_cannot_read_a_prompt_is_refused(workshop: Any, oracle: Any) -> None:
    path = workshop.write_set("odd", [{"prompt": "fine"}, {"prompt": "unknown"}])
    with pytest.raises(UsageError, match="cannot read this prompt") as caught:
        workshop.go(oracle, harm={"method": "oracle"}, prompts={"odd": {"path": path}})
    assert caught.value.where == "odd.jsonl:2"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"prompts": {"s": {"path": "gone.jsonl"}}}, PromptSourceError),
        ({"models": {"m": {"engine": {"kind": "vllm", "model": "./gone/now"}}}}, EngineError),
        ({"judge": {"engine": {"kind": "vllm", "model": "./gone/now"}}}, EngineError),
        ({"reward_model": "./gone/now"}, EngineError),
    ],
)
def test_what_is_missing_is_said_before_anything_is_made(workshop: Any, changed: Any, error: Any) -> None:
    with pytest.raises(error):
        workshop.go(**changed)
    assert not workshop.out.exists()
    assert workshop.calls() == []


def test_a_folder_of_something_else_is_left_alone(workshop: Any) -> None:
    workshop.out.mkdir()
    (workshop.out / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds no evaluation"):
        workshop.go()
    assert [path.name for path in workshop.out.iterdir()] == ["mine.txt"]
    file = workshop.folder / "file"
    file.write_text("")
    with pytest.raises(UsageError, match="not a folder"):
        asyncio.run(module.evaluate(workshop.config(), file, None, module.EvaluationStats()))


def test_one_command_at_a_time(workshop: Any, tmp_path: Path) -> None:
    workshop.go()
    with Journal.open(workshop.out / "evaluation.db"), pytest.raises(RunInUse):
        workshop.go()


def test_a_model_that_judges_too_answers_last_and_is_started_once(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start(engine: ScriptedEngine) -> None:
        started.append(engine.model)

    monkeypatch.setattr(ScriptedEngine, "start", start)
    result = workshop.go(**(judged(workshop) | {"judge": workshop.engine("one")}))
    assert started == ["two", "one"]
    assert [row["model"] for row in result["models"]] == ["base", "sft"]
