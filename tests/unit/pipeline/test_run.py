"""Whole runs: order, draws, counts, and what becomes of records that fail."""

import asyncio
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cai.data.imported.run import import_run
from cai.data.intake import Intake
from cai.data.splits import split_of
from cai.engines import build
from cai.engines.base import Generation, GenerationRequest
from cai.engines.scripted import ScriptedEngine
from cai.errors import ConstitutionError, EngineError, TemplateError, UsageError
from cai.pipeline.run import generate
from cai.pipeline.stats import RunStats
from cai.records import Usage
from cai.resources import resource
from cai.store.run_dir import RunDir

EACH = Counter(draft=1, critique=2, revision=2, label=2)


def times(count: int, each: Counter[str] = EACH) -> Counter[str]:
    return Counter({stage: number * count for stage, number in each.items()})


def reconciled(summary: Any) -> None:
    counts = summary.counts
    assert counts.prompts == counts.trajectories + counts.filtered + counts.failed
    assert counts.owed == 0


def rows(workshop: Any, which: str, split: str) -> list[dict[str, Any]]:
    files = sorted((workshop.run_dir.datasets / which).glob(f"{split}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_whole_run(workshop: Any) -> None:
    stats = RunStats()
    summary = workshop.go(stats)
    reconciled(summary)
    assert summary.counts.trajectories == 12
    assert summary.steps == {"draft": 12, "critique": 24, "revision": 24, "label": 12}
    assert workshop.called() == times(12)
    assert summary.labels.labels + summary.labels.unchanged == 12
    assert summary.labels.mean_label_mass == pytest.approx(0.9)
    assert summary.counts.sft_rows == len(rows(workshop, "sft", "train")) + len(rows(workshop, "sft", "eval"))
    assert summary.by_hazard == {"none": {"trajectories": 12, "labels": summary.labels.labels}}
    assert (stats.total, stats.done, stats.in_flight, stats.phase) == (12, 12, 0, "done")
    assert summary.engine.generated_tokens == stats.usage.generated_tokens > 0
    manifest = workshop.run_dir.read_manifest()
    assert manifest["counts"]["trajectories"] == 12
    assert {"plan", "constitution", "templates", "engine.default"} <= set(manifest["fingerprints"])
    assert workshop.run_dir.verify() == ()


def test_one_record_after_another_goes_to_its_end(workshop: Any) -> None:
    workshop.go(max_in_flight=1)
    stages = [call[1:3] for call in workshop.calls()]
    order = [("draft", "0"), ("critique", "1"), ("revision", "1"), ("critique", "2"), ("revision", "2")]
    assert stages == [*order, ("label", "0"), ("label", "0")] * 12
    read = list(dict.fromkeys(call[0] for call in workshop.calls()))
    assert read == [workshop.records()[f"Question {number}"].prompt.id for number in range(12)]


def test_records_under_way_are_finished_before_others_begin(workshop: Any) -> None:
    workshop.engine["latency_s"] = 0.0005
    workshop.go(max_in_flight=3)
    left = {record.prompt.id: sum(EACH.values()) for record in workshop.records().values()}
    begun: set[str] = set()
    for record_id, *_ in workshop.calls():
        begun.add(record_id)
        left[record_id] -= 1
        # A record ends when its last answer comes, which is after its last call was noted.
        assert sum(left[one] > 0 for one in begun) <= 3
    assert set(left.values()) == {0}


def test_draws_follow_names_not_places(workshop: Any, another_workshop: Callable[[str], Any]) -> None:
    workshop.go(labels={"principles": 2})
    drawn = workshop.drawn()
    assert len({tuple(names) for names in drawn.values()}) > 4
    other = another_workshop("other")
    texts = [f"Question {number}" for number in range(12)] + ["One more", "And another"]
    random.Random(1).shuffle(texts)
    other.write_prompts(texts)
    other.write_principles(*reversed(workshop.names))
    other.go(labels={"principles": 2}, max_in_flight=1)
    assert {text: names for text, names in other.drawn().items() if text in drawn} == drawn
    assert len(other.drawn()) == 14
    # Nor does anything else of a record know its place.
    for text, record in workshop.records().items():
        assert {key: step.body for key, step in record.steps.items()} == {
            key: step.body for key, step in other.records()[text].steps.items()
        }
    workshop.settings["seed"] = 1
    workshop.go()
    assert workshop.drawn() != drawn


def test_each_step_keeps_what_was_asked_and_answered(workshop: Any) -> None:
    workshop.go()
    for record in workshop.records().values():
        by_key = {(key.stage, key.round): step for key, step in record.steps.items()}
        assert set(by_key) >= {("draft", 0), ("critique", 1), ("revision", 1), ("critique", 2), ("revision", 2)}
        assert by_key.pop(("trajectory", 0)).usage == Usage()
        assert all(step.status == "done" and step.usage != Usage() for step in by_key.values())
        label = by_key.get(("label", 0))
        if label:
            answers = {by_key["draft", 0].body["text"], by_key["revision", 2].body["text"]}
            assert {label.body["response_a"], label.body["response_b"]} == answers


def test_which_answer_is_called_a_is_drawn(workshop: Any) -> None:
    workshop.go()
    bodies = [
        (record.steps["label", 0, 0].body, record.steps["draft", 0, 0].body["text"])
        for record in workshop.records().values()
        if ("label", 0, 0) in record.steps
    ]
    assert 0 < sum(body["response_a"] == draft for body, draft in bodies) < len(bodies)


def test_a_failed_record_leaves_the_rest(workshop: Any) -> None:
    workshop.write_prompts(["One", "Two [[fail]]", "Three", "Four [[fail]]"])
    summary = workshop.go()
    reconciled(summary)
    assert summary.counts.trajectories == 2
    assert summary.counts.failed == 2
    assert summary.counts.failed_reasons == {"the scripted engine was told to fail": 2}
    assert {row["prompt"][0]["content"] for row in rows(workshop, "sft", "train")} <= {"One", "Three"}
    # Owed again: the failed ones, and only they, are asked when the run is resumed.
    again = workshop.go()
    assert again.counts == summary.counts
    failed = {record.prompt.id for text, record in workshop.records().items() if "fail" in text}
    assert {call[0] for call in workshop.calls()} == failed
    assert workshop.called() == {"draft": 2}


def test_duplicates_are_counted_and_asked_once(workshop: Any) -> None:
    workshop.write_prompts(["One", "Two", "One", "Three", "One", "Two"])
    for _ in range(2):
        stats = RunStats()
        summary = workshop.go(stats)
        reconciled(summary)
        assert summary.counts.prompts == 6
        assert summary.counts.filtered_reasons == {"duplicate": 3}
        assert (stats.duplicates, stats.done) == (3, 6)
    assert workshop.calls() == []


def test_an_empty_answer_is_a_failure_with_its_reason(workshop: Any) -> None:
    # Whatever would begin with this word is cut to nothing.
    workshop.roles = {"reviser": {"sampling": {"stop": ["The"]}}}
    summary = workshop.go()
    reconciled(summary)
    assert 0 < summary.counts.failed < 12
    assert summary.counts.failed_reasons == {"empty revision": summary.counts.failed}
    for record in workshop.records().values():
        statuses = [step.status for step in record.steps.values()]
        assert record.outcome is not None
        assert ("failed" in statuses) == (record.outcome.status == "failed")
    workshop.go()
    assert workshop.called()["revision"] == summary.counts.failed
    workshop.roles = {}
    assert workshop.go().counts.failed == 0
    assert workshop.called()["draft"] == 0


def test_a_record_to_which_no_principle_applies_fails_before_its_draft(workshop: Any) -> None:
    workshop.write_principles("kind", kind={"applies_to": {"tags": ["rare"]}})
    summary = workshop.go()
    reconciled(summary)
    assert summary.counts.failed == 12
    assert next(iter(summary.counts.failed_reasons)).startswith("no principle applies to the critique")
    assert workshop.calls() == []


def test_a_constitution_must_have_principles_for_each_stage(workshop: Any) -> None:
    workshop.write_principles("kind", kind={"applies_to": {"stages": ["comparison"]}})
    with pytest.raises(ConstitutionError, match="no principle is for the critique"):
        workshop.go()
    summary = workshop.go(rounds=0, comparison={"source": "sampled"})
    assert summary.counts.trajectories == 12
    workshop.write_principles("kind", kind={"applies_to": {"stages": ["critique"]}})
    with pytest.raises(ConstitutionError, match="no principle is for the comparison"):
        workshop.go()


def test_a_record_that_is_too_long_for_a_template_fails_alone(workshop: Any) -> None:
    workshop.write_prompts(["One", "x" * 1_000_001])
    summary = workshop.go()
    reconciled(summary)
    assert summary.counts.failed_reasons == {"renders to over 1000000 characters": 1}
    assert summary.counts.trajectories == 1


@pytest.mark.parametrize("name", ["critique/single_turn", "revision/revise", "draft/answer", "comparison/choice"])
def test_templates_are_checked_before_the_first_call(workshop: Any, name: str) -> None:
    prompts = Path(shutil.copytree(resource("prompts"), workshop.folder / "prompts"))
    file = prompts / f"{name}.chat.jinja"
    file.write_text("{# variables: what #}\n{{ what }}")
    with pytest.raises(TemplateError, match="asks for what, but is given"):
        workshop.go(prompts_dir=str(prompts))
    assert workshop.calls() == []
    # The shipped template fills in for one that the folder does not have.
    file.unlink()
    assert workshop.go().counts.trajectories == 12


def test_the_eval_split_goes_to_eval_files(workshop: Any) -> None:
    workshop.go(split={"eval": 0.4})
    config = workshop.config().pipeline.generate
    ids = {record.prompt.id for record in workshop.records().values()}
    expected = {one for one in ids if split_of(one, config.split, config.seed) == "eval"}
    assert 0 < len(expected) < 12
    for which in ("sft", "preferences"):
        found = {row["prompt_id"] for row in rows(workshop, which, "eval")}
        assert found <= expected
        assert not expected & {row["prompt_id"] for row in rows(workshop, which, "train")}
    assert {row["prompt_id"] for row in rows(workshop, "sft", "eval")} == expected


def test_disjoint_halves_get_a_label_or_an_sft_row(workshop: Any) -> None:
    summary = workshop.go(split={"mode": "disjoint", "eval": 0.0})
    splits = {record.prompt.id: record.split for record in workshop.records().values()}
    assert set(splits.values()) == {"sft", "preference"}
    labelled = {call[0] for call in workshop.calls() if call[1] == "label"}
    assert labelled <= {one for one, split in splits.items() if split == "preference"}
    assert {row["prompt_id"] for row in rows(workshop, "sft", "train")} == {
        one for one, split in splits.items() if split == "sft"
    }
    assert summary.labels.labels + summary.labels.unchanged == list(splits.values()).count("preference")


def test_no_rounds_with_samples(workshop: Any) -> None:
    summary = workshop.go(rounds=0, comparison={"source": "sampled"})
    reconciled(summary)
    assert workshop.called() == {"draft": 12, "sample": 12, "label": 24}
    assert summary.labels.labels == 12
    for record in workshop.records().values():
        body = record.steps["label", 0, 0].body
        texts = record.steps["sample", 0, 0].body["texts"]
        assert body["source"] == "sampled"
        assert {body["response_a"], body["response_b"]} == set(texts)
        assert len(set(texts)) == 2
    assert all(row["round"] == 0 for row in rows(workshop, "sft", "train"))
    workshop.go()
    assert workshop.calls() == []


def test_two_equal_answers_are_no_comparison(workshop: Any) -> None:
    # One token is always the first word; of a few subjects some are drawn twice.
    workshop.roles = {"generator": {"sampling": {"max_new_tokens": 1}}}
    summary = workshop.go(rounds=0, comparison={"source": "sampled"})
    assert 0 < summary.labels.unchanged < 12
    assert summary.labels.labels == 12 - summary.labels.unchanged
    assert workshop.called()["label"] == 2 * summary.labels.labels


class Dying(ScriptedEngine):
    """Gives some answers, then none."""

    answers = 10

    async def generate(self, request: GenerationRequest) -> Generation:
        if self.answers == 0:
            raise EngineError("the engine has died", fix="start it again")
        self.answers -= 1
        return await super().generate(request)


def test_a_dead_engine_leaves_a_run_that_can_be_resumed(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(build.ENGINES, "scripted", lambda config, log, adapters: Dying(config))
        with pytest.raises(EngineError, match="has died") as dead:
            workshop.go()
    assert dead.value.exit_code == 4
    first = workshop.called()
    kept = Counter(key.stage for record in workshop.records().values() for key in record.steps)
    assert kept["draft"] + kept["critique"] + kept["revision"] == 10
    assert not workshop.run_dir.datasets.exists()
    summary = workshop.go()
    reconciled(summary)
    both = first + workshop.called()
    # The two questions of a label are kept together: of those that were under way some are asked again.
    assert 24 <= both.pop("label") <= 24 + 2 * 4
    assert both == Counter(draft=12, critique=24, revision=24)
    assert summary.reused_steps >= 10


class Watched(RunStats):
    """Tells when twenty steps are done."""

    def __init__(self) -> None:
        super().__init__()
        self.enough = asyncio.Event()

    def count(self, stage: str, usage: Usage) -> None:
        super().count(stage, usage)
        if self.steps.total() == 20:
            self.enough.set()


def test_a_cancelled_run_keeps_every_finished_step(workshop: Any) -> None:
    workshop.engine["latency_s"] = 0.001
    stats = Watched()

    async def main() -> None:
        task = asyncio.create_task(generate(workshop.config(), RunDir.open(workshop.run_dir.path), stats))
        await stats.enough.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    kept = Counter(key.stage for record in workshop.records().values() for key in record.steps)
    kept.pop("trajectory", None)
    assert kept == stats.steps
    assert kept.total() >= 20
    assert stats.in_flight == 0
    again = RunStats()
    reconciled(workshop.go(again))
    assert again.steps + stats.steps == Counter(draft=12, critique=24, revision=24, label=again.steps["label"])
    assert again.reused.total() <= kept.total()


def test_a_direct_run_has_no_critiques_and_still_names_its_principles(workshop: Any) -> None:
    workshop.go()
    drawn = {text: names[:2] for text, names in workshop.drawn().items()}
    workshop.go(critique={"kind": "direct"})
    called = workshop.called()
    assert (called["draft"], called["critique"], called["revision"]) == (0, 0, 24)
    last = [row for row in rows(workshop, "sft", "train") if row["round"] == 2]
    assert last
    for row in last:
        assert row["principle_ids"] == list(dict.fromkeys(drawn[row["prompt"][0]["content"]]))
        assert row["method"] == "direct"


def test_a_run_that_was_imported_is_left_alone(workshop: Any) -> None:
    file = workshop.folder / "made.jsonl"
    rounds = [{"principle": "kind", "critique": "It is rude.", "revision": "Good morning to you."}]
    file.write_text(json.dumps({"prompt": "Hi", "draft": "Go away.", "rounds": rounds}) + "\n")
    import_run(file, workshop.run_dir.path)
    before = workshop.datasets()
    with pytest.raises(UsageError, match="imported, not generated"):
        workshop.go()
    assert workshop.datasets() == before and workshop.calls() == []


@pytest.mark.parametrize("first", [True, False])
def test_a_run_can_be_stopped_while_it_goes_through_its_prompts(
    workshop: Any, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not first:
        workshop.go()
    seen = 0

    def cancelled(self: Intake, read: Any) -> Any:
        nonlocal seen
        for prompt in read:
            seen += 1
            if seen == (3 if first else 15):
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            yield prompt

    monkeypatch.setattr(Intake, "prompts", cancelled)
    with pytest.raises(asyncio.CancelledError):
        workshop.go(history="latest")
    # The first pass compares the twelve prompts, the second looks for what is owed; neither went on to its end.
    assert seen == (3 if first else 15)
    assert workshop.calls() == []
