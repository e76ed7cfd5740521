"""What an export leaves out and refuses, and that its folder is whole or as it was."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.data.card import Tally, sft_card
from cai.data.formats.export import export_rows
from cai.data.formats.read import read_back
from cai.data.formats.source import find_rows
from cai.data.tables import Provenance
from cai.errors import DatasetError, UsageError


def left(done: Any, what: str) -> dict[str, int]:
    return dict(done.tables[what].left_out.get("train", {}))


def test_sharegpt_holds_only_turns_that_alternate(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    turn = rows.turn
    prompts = [
        [turn("user", "a"), turn("user", "b")],
        [turn("assistant", "a"), turn("user", "b")],
        [turn("user", "a"), turn("assistant", "b"), turn("system", "c"), turn("user", "d")],
        [turn("system", "a"), turn("user", "b")],
    ]
    run = a_run(
        [rows.sft(prompt, number) for number, prompt in enumerate(prompts)],
        [rows.preference(prompt, number) for number, prompt in enumerate(prompts)],
    )
    done = export_rows(find_rows(run), "llamafactory", ["sft", "preferences", "kto", "rl"], tmp_path / "out")
    reasons = {"user and assistant do not alternate, the user first": 2, "a system turn after the first turn": 1}
    for what in ("sft", "preferences", "kto", "rl"):
        assert left(done, what) == reasons
    assert {what: counts.rows["train"] for what, counts in done.tables.items()} == {
        "sft": 1,
        "preferences": 1,
        "kto": 2,
        "rl": 1,
    }
    said = (tmp_path / "out" / "README.md").read_text()
    assert "`sft`, train: 2 rows (user and assistant do not alternate, the user first)" in said


def test_other_formats_hold_such_turns(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    prompt = [rows.turn("assistant", "a"), rows.turn("user", "b"), rows.turn("user", "c")]
    run = a_run([rows.sft(prompt)], [rows.preference(prompt)])
    for name in ("trl", "axolotl", "openrlhf", "verl", "nemo-rl"):
        done = export_rows(find_rows(run), name, None, tmp_path / name)
        assert not any(counts.left_out for counts in done.tables.values())


def test_prompts_of_several_turns_have_no_place_where_a_trainer_takes_one(run: Path, tmp_path: Path) -> None:
    axolotl = export_rows(find_rows(run), "axolotl", ["reward"], tmp_path / "axolotl")
    nemo = export_rows(find_rows(run), "nemo-rl", ["rl"], tmp_path / "nemo")
    assert left(axolotl, "reward") == left(nemo, "rl") == {"a prompt of several turns": 2}


def test_a_system_turn_has_no_place_in_a_plain_prompt(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    run = a_run([rows.sft([rows.turn("system", "s"), rows.turn("user", "u")])])
    assert left(export_rows(find_rows(run), "nemo-rl", ["rl"], tmp_path / "out"), "rl") == {"a system turn": 1}


def test_a_picture_tag_is_kept_from_openrlhf(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    run = a_run([rows.sft([rows.turn("user", "what is <image>?")]), rows.sft([rows.turn("user", "fine")], 1)])
    done = export_rows(find_rows(run), "openrlhf", ["rl"], tmp_path / "out")
    assert list(left(done, "rl").values()) == [1] and done.tables["rl"].rows["train"] == 1


def test_settings_name_only_what_was_written(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    run = a_run([rows.sft([rows.turn("user", "a"), rows.turn("user", "b")])])
    done = export_rows(find_rows(run), "llamafactory", ["sft"], tmp_path / "out")
    assert done.settings == ("dataset_info.json",)
    assert json.loads((tmp_path / "out" / "dataset_info.json").read_text()) == {}


def test_prompts_are_written_once(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    prompt = rows.prompts["multi-turn"]
    same = {"prompt_id": "same"}
    run = a_run([rows.sft(prompt, 0, **same), rows.sft(prompt, 1, **same)], [rows.preference(prompt, 0, **same)])
    done = export_rows(find_rows(run), "verl", ["rl"], tmp_path / "out")
    assert done.tables["rl"].rows == {"train": 1}


def test_a_row_number_of_verl_is_that_in_its_table(run: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    export_rows(find_rows(run), "verl", ["rl"], tmp_path / "out")
    for split in ("train", "eval"):
        (file,) = (tmp_path / "out" / "rl").glob(f"{split}-*.parquet")
        extras = [row["extra_info"] for row in pq.read_table(file).to_pylist()]
        assert [(extra["split"], extra["index"]) for extra in extras] == [(split, number) for number in range(3)]


def test_a_folder_in_use_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(UsageError, match="holds no export"):
            export_rows(find_rows(run), "trl", None, tmp_path / "out", force=force)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="a file, not a folder"):
        export_rows(find_rows(run), "trl", None, tmp_path / "out" / "mine.txt")


def test_an_earlier_export_is_replaced_only_by_force(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_rows(find_rows(run), "trl", None, out)
    with pytest.raises(UsageError, match="an export is here already"):
        export_rows(find_rows(run), "axolotl", ["sft"], out)
    assert json.loads((out / "export.json").read_text())["format"] == "trl"
    export_rows(find_rows(run), "axolotl", ["sft"], out, force=True)
    assert json.loads((out / "export.json").read_text())["format"] == "axolotl"
    assert not (out / "preferences").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_a_bad_row_leaves_what_was_there(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_rows(find_rows(run), "trl", None, out)
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a", "completion": ["b"]}\n')
    with pytest.raises(DatasetError) as caught:
        export_rows(find_rows(bad), "axolotl", None, out, force=True)
    assert caught.value.where == f"{bad}:2"
    assert json.loads((out / "export.json").read_text())["format"] == "trl"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "out", "run"]


def test_two_exports_are_equal_byte_for_byte(run: Path, tmp_path: Path) -> None:
    for name in ("trl", "axolotl"):
        for out in ("one", "two"):
            export_rows(find_rows(run), name, None, tmp_path / out, force=True)
        files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
        assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


def test_what_a_trainer_lacks_is_said_with_those_that_have_it(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export_rows(find_rows(run), "verl", ["kto"], tmp_path / "out")
    assert caught.value.fix is not None and "trl, axolotl, llamafactory" in caught.value.fix
    assert not (tmp_path / "out").exists()


def test_a_kind_without_rows_is_refused_when_asked_for(a_run: Callable[..., Path], rows: Any, tmp_path: Path) -> None:
    run = a_run([rows.sft(rows.prompts["single-turn"])])
    with pytest.raises(DatasetError, match="no rows for `reward`"):
        export_rows(find_rows(run), "trl", ["reward"], tmp_path / "out")
    assert list(export_rows(find_rows(run), "trl", None, tmp_path / "out").tables) == ["sft"]


@pytest.mark.parametrize("model", ["cai-sandbox", "another"])
def test_the_sandbox_is_named_for_what_it_is(model: str, run: Path, tmp_path: Path) -> None:
    (run / "datasets" / "sft" / "README.md").write_text(sft_card(Tally(), Provenance("kind", "1", model)))
    export_rows(find_rows(run / "datasets" / "sft"), "trl", None, tmp_path / "out")
    assert ("A synthetic toy world" in (tmp_path / "out" / "README.md").read_text()) == (model == "cai-sandbox")


def test_only_an_export_is_read_back(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_rows(find_rows(run), "trl", ["sft", "kto"], out)
    for what in ("preferences", "kto"):
        with pytest.raises(DatasetError, match="cannot be read back"):
            list(read_back(out, what, "train"))
    (file,) = (out / "sft").glob("train-*.parquet")
    file.write_bytes(b"no")
    with pytest.raises(DatasetError, match="cannot be read"):
        list(read_back(out, "sft", "train"))
    file.unlink()
    with pytest.raises(DatasetError, match="0 rows of `sft`, train, are here, and the list says 3"):
        list(read_back(out, "sft", "train"))


def test_rows_that_are_gone_are_missed(run: Path, tmp_path: Path) -> None:
    export_rows(find_rows(run), "axolotl", ["sft"], tmp_path / "out")
    file = tmp_path / "out" / "sft" / "train.jsonl"
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:1]), encoding="utf-8")
    with pytest.raises(DatasetError, match="the list says 3"):
        list(read_back(tmp_path / "out", "sft", "train"))
    file.unlink()
    with pytest.raises(DatasetError, match="missing"):
        list(read_back(tmp_path / "out", "sft", "train"))


@pytest.mark.parametrize(
    "listed", ["{}", '{"format": [], "tables": 3}', '{"format": "trl", "tables": {"sft": {"rows": []}}}']
)
def test_a_list_of_anyone_else_is_refused(listed: str, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(listed)
    with pytest.raises(DatasetError, match="cannot be read back"):
        list(read_back(tmp_path, "sft", "train"))


def test_the_folder_may_be_a_link_or_the_present_one(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    export_rows(find_rows(run), "trl", ["sft"], tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "export.json").is_file()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export_rows(find_rows(run), "trl", ["sft"], Path())
    assert (tmp_path / "here" / "export.json").is_file()


def test_a_changed_row_is_not_read_back(run: Path, tmp_path: Path) -> None:
    export_rows(find_rows(run), "openrlhf", ["sft"], tmp_path / "out")
    (tmp_path / "out" / "sft" / "train.jsonl").write_text('{"messages": [1], "cai": "{}"}\n{"messages": []}\n')
    with pytest.raises(DatasetError, match="not as it was written"):
        list(read_back(tmp_path / "out", "sft", "train"))
