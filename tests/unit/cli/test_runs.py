"""`cai status` and `cai inspect` on a run of which every text is hostile."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import UsageError
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

COLOURS = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "400"}
Run = tuple[Path, str]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=COLOURS)


def test_inspect_shows_every_step_and_nothing_can_restyle_the_terminal(
    hostile_run: Run, assert_harmless: Callable[[str], None]
) -> None:
    path, record = hostile_run
    result = invoke("inspect", path, record)
    assert result.exit_code == 0
    assert_harmless(result.stdout)
    # Source, hazard, tag, prompt, draft, principle, critique, answer A, principle of the vote.
    assert result.stdout.count("[red]x[/red]") == 9
    for words in ("─ draft ─", "─ critique", "0.7500", "label mass 0.9000, flipped with the order"):
        assert words in result.stdout


def test_inspect_takes_the_beginning_of_an_id(hostile_run: Run) -> None:
    path, record = hostile_run
    row = json.loads(invoke("inspect", path, record[:6], "--json").stdout)
    assert row["prompt"]["id"] == record
    assert [step["stage"] for step in row["steps"]] == ["draft", "critique", "label"]


def test_inspect_without_an_id_lists_records(hostile_run: Run, assert_harmless: Callable[[str], None]) -> None:
    path, record = hostile_run
    result = invoke("inspect", path)
    assert_harmless(result.stdout)
    assert len(result.stdout.splitlines()) == 2 and record in result.stdout
    (failed,) = json.loads(invoke("inspect", path, "--failed", "--json").stdout)["records"]
    assert (failed["status"], failed["source"], failed["prompt"]) == ("failed", "other:1", "other")
    assert len(json.loads(invoke("inspect", path, "-n", 1, "--json").stdout)["records"]) == 1


@pytest.mark.parametrize(
    ("wanted", "what"), [("nothing", "no record has an id that begins with 'nothing'"), ("", "2 records begin with ''")]
)
def test_inspect_says_what_is_wrong_with_an_id(wanted: str, what: str, hostile_run: Run) -> None:
    error = invoke("inspect", hostile_run[0], wanted).exception
    assert isinstance(error, UsageError)
    assert error.what == what and error.fix


def test_status_counts_reconcile_and_are_named_as_by_generate(hostile_run: Run, hostile: str) -> None:
    row = json.loads(invoke("status", hostile_run[0], "--json").stdout)
    counts = row["counts"]
    assert counts["prompts"] == counts["trajectories"] + counts["filtered"] + counts["failed"] == 2
    assert counts["failed_reasons"] == {hostile: 1}
    assert row["engine"] == {"prompt_tokens": 9, "cached_tokens": 6, "generated_tokens": 3}
    assert row["state"] == "finished" and len(row["failed_records"]) == 1


def test_status_cannot_be_restyled_by_a_reason(hostile_run: Run, assert_harmless: Callable[[str], None]) -> None:
    result = invoke("status", hostile_run[0])
    assert_harmless(result.stdout)
    assert "trajectories" in result.stdout


def test_status_tells_a_run_that_works_from_one_that_was_stopped(tmp_path: Path) -> None:
    run = RunDir.open(tmp_path / "run", "never")
    with Journal.open(run.journal_path) as journal:
        asyncio.run(journal.begin_session("plan"))
        assert json.loads(invoke("status", run.path, "--json").stdout)["state"] == "working"
    about = json.loads((run.path / "lock").read_text())
    assert about["pid"] == os.getpid()
    (run.path / "lock").write_text(json.dumps(about | {"pid": 2**22 + 1}))
    assert json.loads(invoke("status", run.path, "--json").stdout)["state"] == "stopped"


@pytest.mark.parametrize("command", ["status", "inspect"])
def test_a_folder_without_a_run_is_refused(command: str, tmp_path: Path) -> None:
    error = invoke(command, tmp_path).exception
    assert isinstance(error, UsageError)
    assert (error.what, error.where) == ("there is no run here: it has no journal.db", str(tmp_path))
