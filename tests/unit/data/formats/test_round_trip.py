"""Every format, every dataset, every shape of prompt: what goes out comes back in our columns exactly."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cai.data.formats.base import CannotHold, FormatName, Place, What
from cai.data.formats.build import FORMATS, build_format
from cai.data.formats.export import export_rows
from cai.data.formats.read import read_back
from cai.data.formats.source import find_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TURN = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT})
PROMPT = st.builds(lambda turns, asked: [*turns, {"role": "user", "content": asked}], st.lists(TURN, max_size=4), TEXT)

SHAPES = ("single-turn", "multi-turn", "system")


def test_the_dict_has_every_format() -> None:
    assert set(FORMATS) == set(get_args(FormatName))
    assert [build_format(name).name for name in FORMATS] == list(FORMATS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", ["sft", "preferences"])
@pytest.mark.parametrize("name", FORMATS)
def test_round_trip(name: FormatName, what: What, shape: str, a_run: Callable[..., Path], rows: Any) -> None:
    prompt = rows.prompts[shape]
    make = rows.sft if what == "sft" else rows.preference
    written = [make(prompt, number) for number in range(4)]
    run = a_run(**{what: written})
    done = export_rows(find_rows(run), name, [what], run.parent / "out")
    assert done.tables[what].rows == {"train": 4} and not done.tables[what].left_out
    assert list(read_back(run.parent / "out", what, "train")) == written


@pytest.mark.parametrize("name", FORMATS)
@given(prompt=PROMPT, answers=st.tuples(TEXT, TEXT), p_chosen=st.floats(0.5, 1.0), hazard=st.none() | TEXT)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_format_holds_comes_back(
    name: FormatName, rows: Any, prompt: Any, answers: tuple[str, str], p_chosen: float, hazard: str | None
) -> None:
    chosen, rejected = ([rows.turn("assistant", answer)] for answer in answers)
    ours = {
        "sft": rows.sft(prompt, completion=chosen, hazard=hazard),
        "preferences": rows.preference(prompt, chosen=chosen, rejected=rejected, p_chosen=p_chosen, hazard=hazard),
    }
    held = False
    for table in build_format(name).tables.values():
        if table.back is not None:
            row = ours[table.source]
            with suppress(CannotHold):
                (made,) = table.write(row, Place("train", 0))
                assert table.back(json.loads(json.dumps(made))) == row
                held = True
    assert held or any(turn["role"] != "user" for turn in prompt) or len(prompt) > 1


@pytest.mark.parametrize("name", FORMATS)
def test_reward_data_come_back_with_their_soft_label(name: FormatName, a_run: Callable[..., Path], rows: Any) -> None:
    written = [rows.preference(rows.prompts["single-turn"], number) for number in range(4)]
    run = a_run(preferences=written)
    export_rows(find_rows(run), name, ["reward"], run.parent / "out")
    assert list(read_back(run.parent / "out", "reward", "train")) == written


@pytest.mark.parametrize("name", FORMATS)
def test_both_splits_are_kept_apart(name: FormatName, run: Path, tmp_path: Path) -> None:
    source = find_rows(run)
    done = export_rows(source, name, None, tmp_path / "out")
    for what in ("sft", "preferences"):
        assert done.tables[what].rows == {"train": 3, "eval": 3}
        for split in ("train", "eval"):
            ours = [row for found, row in source.read(what) if found == split]
            assert list(read_back(tmp_path / "out", what, split)) == ours


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_that_a_format_names_is_written_with_its_settings(
    name: FormatName, run: Path, tmp_path: Path
) -> None:
    tables = build_format(name).tables
    done = export_rows(find_rows(run), name, tables, tmp_path / "out")
    for what, counts in done.tables.items():
        assert counts.rows["train"] > 0, what
        for split, files in counts.files.items():
            for file in files:
                assert (tmp_path / "out" / file).is_file()
                # TRL names the folder; PPO of OpenRLHF cannot evaluate on a file with a reward model of its own.
                if name != "trl" and (name, what, split) != ("openrlhf", "rl", "eval"):
                    texts = [(tmp_path / "out" / setting).read_text() for setting in done.settings]
                    assert any(file in text for text in texts), f"no settings name {file}"
