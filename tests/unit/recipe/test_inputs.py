"""The fingerprint of a stage follows the content of what it reads, and the settings that rule its result."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cai.errors import ConstitutionError, DatasetError, PromptSourceError, UsageError
from cai.recipe.inputs import Fingerprint, check_inputs, stage_fingerprint
from cai.recipe.plan import Recipe

Plan = Callable[..., Recipe]
MADE = {"name": "made", "kind": "generate"}


def fingerprint(recipe: Recipe, name: str = "made") -> Fingerprint:
    return stage_fingerprint(recipe.stage(name))


def test_what_changes_no_result_is_left_out(plan: Plan) -> None:
    quick = {"rounds": 1, "split": {"eval": 0.4}, "max_in_flight": 3}
    engine = {"kind": "scripted", "latency_s": 0.1, "call_log": "x"}
    assert fingerprint(plan(MADE, generate=quick, engines={"default": engine})) == fingerprint(plan(MADE))


@pytest.mark.parametrize(
    "changes",
    [
        {"generate": {"rounds": 2, "split": {"eval": 0.4}}},
        {"generate": {"rounds": 1, "split": {"eval": 0.4}, "sft": {"revisions": "final"}}},
        {"generate": {"rounds": 1, "split": {"eval": 0.4}, "seed": 1}},
        {"roles": {"critic": {"sampling": {"temperature": 0.5}}}},
    ],
)
def test_settings_that_rule_the_result_change_it(changes: dict[str, Any], plan: Plan) -> None:
    before, after = fingerprint(plan(MADE)), fingerprint(plan(MADE, **changes))
    assert before.value != after.value
    assert after.changed(before.parts) == ["settings"]


def test_content_counts_and_paths_and_comments_do_not(plan: Plan, folder: Path) -> None:
    before = fingerprint(plan(MADE))
    (folder / "elsewhere").mkdir()
    shutil.copy(folder / "p.jsonl", folder / "elsewhere" / "q.jsonl")
    text = (folder / "c.yaml").read_text()
    (folder / "c.yaml").write_text("# a remark\n" + text)
    assert fingerprint(plan(MADE, prompts="elsewhere/q.jsonl")).value == before.value
    (folder / "c.yaml").write_text(text.replace("Be kind.", "Be very kind."))
    assert fingerprint(plan(MADE)).changed(before.parts) == ["constitution"]
    with (folder / "p.jsonl").open("a") as file:
        file.write('{"prompt": "one more"}\n')
    assert fingerprint(plan(MADE)).changed(before.parts) == ["constitution", "prompts"]


def test_templates_count_by_their_text(plan: Plan, folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "a.jinja").write_text("one")
    generate = {"rounds": 1, "split": {"eval": 0.4}, "prompts_dir": "own"}
    before = fingerprint(plan(MADE, generate=generate))
    (folder / "own" / "a.jinja").write_text("two")
    assert fingerprint(plan(MADE, generate=generate)).changed(before.parts) == ["prompts_dir"]


def test_a_model_counts_by_its_weights(plan: Plan, folder: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, folder / "a")
    engine = {"kind": "vllm", "model": "a"}
    before = fingerprint(plan(MADE, engines={"default": engine}))
    shutil.copytree(folder / "a", folder / "b")
    assert fingerprint(plan(MADE, engines={"default": {**engine, "model": "b"}})) == before
    weights = next((folder / "a").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert fingerprint(plan(MADE, engines={"default": engine})).changed(before.parts) == ["engines.default.model"]


def test_a_model_of_the_hub_counts_by_name_and_commit_and_is_not_fetched(plan: Plan) -> None:
    first, second = (
        fingerprint(plan(MADE, engines={"default": {"kind": "vllm", "model": "org/m", "revision": commit}}))
        for commit in ("a", "b")
    )
    assert second.changed(first.parts) == ["engines.default.model"]


def test_training_data_count_by_their_rows_and_weights(plan: Plan, folder: Path) -> None:
    def planned(weight: float = 1.0, **settings: Any) -> Recipe:
        train = {"kind": "sft", "model": "org/m", "data": [{"path": "rows", "weight": weight}], **settings}
        return plan({"name": "sft", "kind": "train", "train": train})

    (folder / "rows").mkdir()
    pq.write_table(pa.table({"prompt": ["a"], "completion": ["b"]}), folder / "rows" / "train-0.parquet")
    before = fingerprint(planned(), "sft")
    assert fingerprint(planned(micro_batch_size=1, save_steps=1, report_to=["wandb"]), "sft") == before
    assert fingerprint(planned(weight=2.0), "sft").changed(before.parts) == ["settings"]
    assert fingerprint(planned(epochs=2), "sft").changed(before.parts) == ["settings"]
    pq.write_table(pa.table({"prompt": ["a"], "completion": ["c"]}), folder / "rows" / "train-0.parquet")
    assert fingerprint(planned(), "sft").changed(before.parts) == ["data[0]"]


def test_mistyped_paths_are_found_before_anything_runs(plan: Plan, folder: Path) -> None:
    with pytest.raises(PromptSourceError) as prompts:
        check_inputs(plan(MADE, prompts="q.jsonl"))
    assert prompts.value.where == "stages.made: q.jsonl"
    with pytest.raises(ConstitutionError):
        check_inputs(plan(MADE, constitution="d.yaml"))
    with pytest.raises(UsageError, match="no such model folder"):
        check_inputs(plan(MADE, engines={"default": {"kind": "vllm", "model": "./gone"}}))
    train = {"name": "sft", "kind": "train", "train": {"kind": "sft", "model": "org/m", "data": [{"path": "maed"}]}}
    with pytest.raises(DatasetError) as data:
        check_inputs(plan(MADE, train))
    assert data.value.fix == "did you mean `made`?"


def test_a_slip_in_the_name_of_a_stage_is_no_model_of_the_hub(plan: Plan) -> None:
    def trained(name: str, model: str) -> dict[str, Any]:
        return {"name": name, "kind": "train", "train": {"kind": "sft", "model": model, "data": [{"path": "made"}]}}

    check_inputs(plan(MADE, trained("sft", "gpt2"), trained("more", "sft")))
    for slip, meant in (("stf", "sft"), ("bsae", "base")):
        with pytest.raises(UsageError, match="no earlier stage of this name") as caught:
            check_inputs(plan(MADE, trained("sft", "gpt2"), trained("more", slip)))
        assert caught.value.fix == f"did you mean `{meant}`?"


def test_what_stages_make_is_not_looked_for(plan: Plan) -> None:
    train = {"kind": "sft", "model": "org/m", "data": [{"path": "made"}]}
    check_inputs(plan(MADE, {"name": "sft", "kind": "train", "train": train}))


def test_the_parts_are_plain_values(plan: Plan) -> None:
    parts = fingerprint(plan(MADE)).parts
    assert json.loads(json.dumps(dict(parts))) == parts
    assert {"settings", "version", "constitution", "prompts", "templates", "engines.default.model"} == set(parts)


def test_code_of_a_user_s_own_is_read_and_must_be_allowed(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "mode.py"
    file.write_text("class Mode: ...\n")
    critique = {"kind": "own", "mode": f"{file}:Mode"}
    recipe = plan(MADE | {"generate": {"critique": critique}}, {"name": "page", "kind": "report"})
    made, page = recipe.allowing_code().stages
    assert made.arguments[-1] == "--allow-code" and "--allow-code" not in page.arguments
    assert "--allow-code" not in recipe.stage("made").arguments
    before = fingerprint(recipe)
    file.write_text("class Mode: pass\n")
    assert fingerprint(recipe) != before
    file.unlink()
    with pytest.raises(UsageError, match="no such file of code"):
        fingerprint(recipe)
