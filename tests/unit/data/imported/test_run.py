"""From a file to a run directory, and again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.config.pipeline import RunConfig
from cai.constitution.load import load_constitution
from cai.data.finished import finished_records, rounds_of
from cai.data.imported.run import import_run
from cai.engines.build import build_engine
from cai.errors import ConfigError, TrajectoryError, UsageError
from cai.records import Outcome, Prompt
from cai.store.journal import Journal
from cai.store.reader import JournalRecord
from cai.store.run_dir import RunDir

Write = Callable[..., Path]
Row = dict[str, Any]


def records(run: Path) -> list[JournalRecord]:
    with Journal.read_only(run / "journal.db") as journal:
        session = journal.latest_session()
        assert session is not None and session.ended_at
        return list(finished_records(journal, session.number))


def content(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in (run / "datasets").rglob("*") if path.is_file()}


def test_the_run_directory_is_one_of_ours(write: Write, bread: Row, cake: Row, tmp_path: Path) -> None:
    run = tmp_path / "run"
    summary = import_run(write(bread, cake), run)
    assert (summary.counts.trajectories, summary.counts.prompts, summary.written, summary.rounds) == (2, 2, 2, 3)
    assert summary.models == {"big-52b": 1, "unknown": 1}
    assert summary.revision_flaws == {"role_confusion": 1} and summary.critique_flaws == {}
    config = RunConfig.model_validate_json((run / "config.json").read_text())
    assert config.pipeline.generate.rounds == 2
    assert config.pipeline.engines["default"].model == "big-52b, unknown"
    assert RunDir.existing(run).verify() == ()
    constitution = load_constitution(run / "constitution.yaml")
    assert {p.id for p in constitution.principles} == set(summary.unknown_principles) == {"rude", "be-open"}
    assert {record.prompt.hazard for record in records(run)} == {"hte", None}


def test_a_flawed_revision_is_left_out_of_the_datasets(write: Write, cake: Row, tmp_path: Path) -> None:
    counts = import_run(write(cake), tmp_path / "run").counts
    assert (counts.sft_rows, counts.sft_left_out) == (0, {"flaw: role_confusion": 1})
    counts = import_run(write(cake), tmp_path / "run", overrides=["generate.filters.rows.flawed=false"]).counts
    assert counts.sft_rows == 1


def test_nothing_is_written_if_a_row_is_wrong(write: Write, bread: Row, tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match="draft is empty"):
        import_run(write(bread, bread | {"draft": ""}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_wrong_setting_or_a_row_without_rounds_writes_nothing(write: Write, bread: Row, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a known key"):
        import_run(write(bread), tmp_path / "run", overrides=["generate.splitt.eval=0.1"])
    with pytest.raises(TrajectoryError, match="no row has a round"):
        import_run(write(bread | {"rounds": []}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_drafts_alone_need_a_constitution(write: Write, bread: Row, tmp_path: Path) -> None:
    summary = import_run(write(bread | {"rounds": []}), tmp_path / "run", "constitution/harmlessness.yaml")
    assert (summary.rounds, summary.counts.sft_rows, summary.compared) == (0, 1, 0)


def test_the_same_again_changes_nothing(write: Write, bread: Row, cake: Row, tmp_path: Path) -> None:
    run = tmp_path / "run"
    import_run(write(bread, cake), run)
    before = content(run)
    summary = import_run(write(bread, cake), run)
    assert (summary.written, summary.counts.trajectories) == (0, 2)
    assert content(run) == before


def test_a_file_that_has_changed_brings_the_run_up_to_date(write: Write, bread: Row, cake: Row, tmp_path: Path) -> None:
    run = tmp_path / "run"
    import_run(write(bread, cake), run)
    bread["rounds"].pop()
    pie = cake | {"prompt": "What goes into an apple pie?", "rounds": []}
    summary = import_run(write(bread, pie), run, resume="always")
    assert (summary.written, summary.counts.trajectories) == (2, 2)
    rounds = {record.prompt.messages[-1].content: len(rounds_of(record)) for record in records(run)}
    assert rounds == {"How do I bake bread?": 1, "What goes into an apple pie?": 0}
    assert RunDir.existing(run).verify() == ()


def test_the_rules_of_resuming_are_those_of_generate(write: Write, bread: Row, tmp_path: Path) -> None:
    path = write(bread)
    with pytest.raises(UsageError, match="no run to resume"):
        import_run(path, tmp_path / "run", resume="always")
    import_run(path, tmp_path / "run")
    with pytest.raises(UsageError, match="a run is here already"):
        import_run(path, tmp_path / "run", resume="never")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="holds no run"):
        import_run(path, tmp_path / "mine")


def test_a_run_that_was_generated_is_left_alone(
    write: Write, bread: Row, a_record: Callable[..., JournalRecord], journal_of: Callable[..., RunDir]
) -> None:
    run = journal_of([a_record("Question")])
    with pytest.raises(UsageError, match="generated, not imported"):
        import_run(write(bread), run.path)
    assert not run.config_path.exists()


def test_the_same_prompt_twice_is_a_duplicate(write: Write, bread: Row, tmp_path: Path) -> None:
    counts = import_run(write(bread, bread | {"draft": "No."}), tmp_path / "run").counts
    assert (counts.prompts, counts.trajectories, counts.filtered_reasons) == (2, 1, {"duplicate": 1})


def test_prompts_are_filtered_and_split_as_our_own(write: Write, bread: Row, tmp_path: Path) -> None:
    rows = [bread | {"prompt": f"{n} {'word ' * (n % 3 + 1)}?"} for n in range(60)]
    settings = ["generate.split.eval=0.4", "generate.filters.prompts.length.min=4"]
    settings += ["generate.filters.prompts.near_duplicates=null", "generate.split.near_duplicates=null"]
    counts = import_run(write(*rows), tmp_path / "run", overrides=settings).counts
    assert (counts.prompts, counts.trajectories, counts.filtered_reasons) == (60, 40, {"too short": 20})
    assert {record.split for record in records(tmp_path / "run")} == {"train", "eval"}


def test_a_constitution_that_people_have_edited_is_not_written_over(write: Write, bread: Row, tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = write(bread)
    import_run(path, run)
    made = run / "constitution.yaml"
    edited = made.read_text().replace("version: 1.0.0", "version: 1.1.0", 1)
    made.write_text(edited)
    summary = import_run(path, run)
    assert made.read_text() == edited and not summary.constitution_made and summary.unknown_principles == ()


def test_the_comparisons_are_drafts_and_last_revisions_without_a_flaw(
    write: Write, bread: Row, cake: Row, tmp_path: Path
) -> None:
    same = bread | {"prompt": "Which way is the station?", "draft": bread["rounds"][-1]["revision"]}
    summary = import_run(write(bread, same, cake), tmp_path / "run")
    rows = [json.loads(line) for line in Path(summary.comparisons).read_text().splitlines()]
    assert summary.compared == len(rows) == 1
    assert (rows[0]["response_a"], rows[0]["response_b"]) == (bread["draft"], bread["rounds"][-1]["revision"])
    kept = import_run(write(bread, cake), tmp_path / "run", overrides=["generate.filters.rows.flawed=false"])
    assert kept.compared == 2


def test_its_engine_can_be_asked_nothing(write: Write, bread: Row, tmp_path: Path) -> None:
    import_run(write(bread), tmp_path / "run")
    config = RunConfig.model_validate_json((tmp_path / "run" / "config.json").read_text())
    with pytest.raises(UsageError, match="big-52b were imported"):
        build_engine(config.pipeline.engines["default"], log_path=None)


def test_what_an_interrupted_import_left_is_finished_by_the_next(
    write: Write, bread: Row, cake: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Journal.finish

    async def stop(self: Journal, outcome: Outcome) -> None:
        if outcome.record_id == Prompt.of(records_prompt(cake), "x").id:
            raise KeyboardInterrupt
        await finish(self, outcome)

    run = tmp_path / "run"
    monkeypatch.setattr(Journal, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        import_run(write(bread, cake), run)
    monkeypatch.undo()
    assert import_run(write(bread, cake), run).counts.trajectories == 2
    assert RunDir.existing(run).verify() == ()


def records_prompt(row: Row) -> Any:
    """The messages of a prompt that is a text."""
    from cai.records import Message

    return (Message("user", row["prompt"]),)
