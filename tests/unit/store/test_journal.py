"""The journal keeps what was committed, groups commits, has one writer, and says clearly what went wrong."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cai.errors import RunInUse, StorageError
from cai.records import Message, Outcome, Prompt, Step, Usage
from cai.store import schema
from cai.store.journal import Journal
from cai.store.reader import Counts, StepKey


def prompt(text: str, source: str = "p.jsonl:1") -> Prompt:
    return Prompt.of((Message("user", text),), source)


def step(record_id: str, stage: str = "draft", round_: int = 0, attempt: int = 0, text: str = "hello") -> Step:
    body = {"text": text, "finish_reason": "stop"}
    return Step(record_id, stage, round_, attempt, "asked", "done", body, Usage(7, 3, 2))


def test_what_is_flushed_is_read_back(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        one = prompt("grün \ud800 \u0000")
        assert await journal.add_prompt(one, "train", session)
        await journal.add_step(step(one.id))
        await journal.add_step(step(one.id, "revision", 2))
        await journal.finish(Outcome(one.id, "trajectory", None, "plan"))
        await journal.set_meta("engine", {"model": "m"})
        await journal.flush()
        assert journal.steps(one.id) == {
            StepKey("draft", 0, 0): step(one.id),
            StepKey("revision", 2, 0): step(one.id, "revision", 2),
        }
        assert journal.outcome(one.id) == Outcome(one.id, "trajectory", None, "plan")
        assert journal.outcome("other") is None
        assert journal.meta("engine") == {"model": "m"}
        assert journal.meta("other") is None
        assert journal.usage() == {"draft": Usage(7, 3, 2), "revision": Usage(7, 3, 2)}
        assert journal.usage(session + 1) == {}
        (record,) = journal.records(session)
        assert record.prompt == one
        assert record.split == "train"
        assert list(journal.outcomes(session)) == [record.outcome]

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_a_step_replaces_the_one_with_its_key(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        await journal.add_step(step("r", text="old"))
        await journal.add_step(step("r", text="new"))
        await journal.flush()
        assert [s.body["text"] for s in journal.steps("r").values()] == ["new"]

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_a_prompt_is_added_once_in_a_session_also_before_it_is_committed(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        assert await journal.add_prompt(prompt("a"), "train", session)
        assert not await journal.add_prompt(prompt("a"), "train", session)
        await journal.flush()
        assert not await journal.add_prompt(prompt("a"), "train", session)
        await journal.add_duplicate("p.jsonl:9", prompt("a").id)
        later = await journal.begin_session("plan")
        assert await journal.add_prompt(prompt("a", "renamed.jsonl:4"), "eval", later)
        await journal.flush()
        assert journal.counts(session) == Counts(duplicates=1)
        (record,) = journal.records(later)
        assert (record.prompt.source, record.split) == ("renamed.jsonl:4", "eval")

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_records_are_those_of_the_latest_input_sorted_by_id(tmp_path: Path) -> None:
    texts = [f"prompt {i}" for i in range(40)]

    async def main(journal: Journal) -> None:
        for kept in (texts, texts[10:30]):
            session = await journal.begin_session("plan")
            for text in kept:
                await journal.add_prompt(prompt(text), "train", session)
        await journal.end_session()
        latest = journal.latest_session()
        assert latest and latest.number == 2 and latest.ended_at
        assert [s.ended_at is None for s in journal.sessions()] == [True, False]
        ids = [record.prompt.id for record in journal.records(latest.number)]
        assert ids == sorted(prompt(text).id for text in texts[10:30])

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_counts_reconcile_and_an_outcome_of_another_plan_is_owed(tmp_path: Path) -> None:
    outcomes = [
        ("trajectory", None, "plan"),
        ("trajectory", None, "older plan"),
        ("filtered", "empty draft", "plan"),
        ("filtered", "empty draft", "plan"),
        ("failed", "prompt too long", "plan"),
    ]

    async def main(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        for i in range(7):
            await journal.add_prompt(prompt(str(i)), "train", session)
        for i, (status, reason, plan) in enumerate(outcomes):
            await journal.finish(Outcome(prompt(str(i)).id, status, reason, plan))  # type: ignore[arg-type]
        await journal.flush()
        assert journal.counts(session) == Counts(
            prompts=7,
            trajectories=1,
            owed=3,
            filtered={"empty draft": 2},
            failed={"prompt too long": 1},
        )

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_commits_are_grouped_by_number(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        await asyncio.gather(*(journal.add_step(step("r", attempt=i)) for i in range(640)))
        await journal.flush()

    with Journal.open(tmp_path / "journal.db", group_wait_s=60) as journal:
        asyncio.run(main(journal))
        assert 10 <= journal.commits <= 11
        assert len(journal.steps("r")) == 640


def test_prompts_that_are_only_read_again_take_few_commits(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        before = journal.commits
        for i in range(3000):
            await journal.add_prompt(prompt(str(i)), "train", session)
        await journal.flush()
        assert journal.commits - before <= 16
        assert journal.counts(session).owed == 3000

    with Journal.open(tmp_path / "journal.db", group_wait_s=60) as journal:
        asyncio.run(main(journal))


def test_a_lone_row_is_committed_when_its_time_is_up(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", group_wait_s=0.01) as journal:
        asyncio.run(journal.add_step(step("r")))
        deadline = time.monotonic() + 30
        while not journal.steps("r"):
            assert time.monotonic() < deadline


def test_a_slow_disk_makes_writers_wait_and_not_the_memory_grow(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        blocker = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        many = asyncio.gather(*(journal.add_step(step("r", attempt=i)) for i in range(1500)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not many.done()
        blocker.execute("COMMIT")
        blocker.close()
        await many
        await journal.flush()
        assert len(journal.steps("r")) == 1500

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_close_commits_what_waits(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", group_wait_s=60) as journal:
        asyncio.run(journal.add_step(step("r")))
    with Journal.read_only(tmp_path / "journal.db") as reader:
        assert len(reader.steps("r")) == 1
    with pytest.raises(StorageError, match="closed"):
        asyncio.run(journal.add_step(step("r")))


def test_a_reader_sees_commits_while_the_writer_lives_and_after_it_is_gone(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        with Journal.read_only(journal.path) as reader:
            assert reader.steps("r") == {}
            await journal.add_step(step("r"))
            await journal.flush()
            assert len(reader.steps("r")) == 1

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))
    assert not (tmp_path / "journal.db-wal").exists()
    with Journal.read_only(tmp_path / "journal.db") as reader:
        assert len(reader.steps("r")) == 1


def test_a_reader_needs_no_writable_folder(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(journal.add_step(step("r")))
    # What a read-only medium does: the index of the log cannot be made.
    (tmp_path / "journal.db-shm").mkdir()
    with Journal.read_only(tmp_path / "journal.db") as reader:
        assert len(reader.steps("r")) == 1


def test_a_stream_of_records_sees_one_moment(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        for text in "ab":
            await journal.add_prompt(prompt(text), "train", session)
        await journal.flush()
        stream = journal.records(session)
        first = next(stream)
        for text in "ab":
            await journal.add_step(step(prompt(text).id))
        await journal.flush()
        second = next(stream)
        assert (first.steps, second.steps) == ({}, {})
        stream.close()  # type: ignore[attr-defined]

    with Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(main(journal))


def test_a_second_writer_is_refused_with_the_holders_pid(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db"), pytest.raises(RunInUse, match=f"process {os.getpid()} "):
        Journal.open(tmp_path / "journal.db")
    Journal.open(tmp_path / "journal.db").close()


WRITE_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from cai.records import Step
from cai.store.journal import Journal

async def main():
    journal = Journal.open(Path(sys.argv[1]), group_rows=8)
    for number in range(10**9):
        await journal.add_step(Step("r", "draft", 0, number, "asked", "done", {"text": "x" * 3000}))
        if number % 20 == 19:
            await journal.flush()
            print(number, flush=True)
asyncio.run(main())
"""


def test_kill_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(30):
            promised = int(writer.stdout.readline())
        writer.kill()
    with Journal.read_only(path) as reader:
        assert len(reader.steps("r")) > promised
    with Journal.open(path) as journal:
        numbers = [key.attempt for key in journal.steps("r")]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > promised
        asyncio.run(journal.add_step(step("r")))


def test_a_full_disk_surfaces_everywhere_and_commits_no_half_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "WRITER_PRAGMAS", (*schema.WRITER_PRAGMAS, "PRAGMA max_page_count = 40"))

    async def main(journal: Journal) -> None:
        await journal.add_step(step("kept"))
        await journal.flush()
        for i in range(64):
            await journal.add_step(step("lost", attempt=i, text="x" * 3000))
        with pytest.raises(StorageError, match="no space left") as caught:
            await journal.flush()
        assert caught.value.exit_code == 74
        with pytest.raises(StorageError, match="no space left"):
            await journal.add_step(step("next"))
        with pytest.raises(StorageError, match="no space left"):
            await journal.flush()

    journal = Journal.open(tmp_path / "journal.db", group_wait_s=60)
    asyncio.run(main(journal))
    with pytest.raises(StorageError, match="no space left"):
        journal.close()
    with Journal.read_only(tmp_path / "journal.db") as reader:
        assert len(reader.steps("kept")) == 1
        assert reader.steps("lost") == {}
    monkeypatch.undo()
    Journal.open(tmp_path / "journal.db").close()


def test_the_error_of_the_block_is_not_hidden_by_a_failed_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "WRITER_PRAGMAS", (*schema.WRITER_PRAGMAS, "PRAGMA max_page_count = 24"))
    with pytest.raises(KeyError), Journal.open(tmp_path / "journal.db") as journal:
        asyncio.run(journal.add_step(step("r", text="x" * 200_000)))
        raise KeyError


def test_writers_that_wait_for_room_learn_of_the_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "WRITER_PRAGMAS", (*schema.WRITER_PRAGMAS, "PRAGMA max_page_count = 40"))

    async def main(journal: Journal) -> None:
        puts = (journal.add_step(step("r", attempt=i, text="x" * 3000)) for i in range(3000))
        results = await asyncio.gather(*puts, return_exceptions=True)
        assert any(isinstance(result, StorageError) for result in results)

    journal = Journal.open(tmp_path / "journal.db")
    asyncio.run(main(journal))
    with pytest.raises(StorageError, match="no space left"):
        journal.close()


def test_a_value_that_sqlite_cannot_keep_is_reported_and_not_swallowed(tmp_path: Path) -> None:
    async def main(journal: Journal) -> None:
        await journal.add_step(step("same group"))
        await journal.add_step(step("lone \ud800"))
        await journal.flush()

    journal = Journal.open(tmp_path / "journal.db", group_wait_s=60)
    with pytest.raises(StorageError, match="surrogates"):
        asyncio.run(main(journal))
    with pytest.raises(StorageError, match="surrogates"):
        journal.close()
    with Journal.read_only(tmp_path / "journal.db") as reader:
        assert reader.steps("same group") == {}


def test_a_number_without_a_json_form_is_refused_at_once(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal, pytest.raises(ValueError, match="not JSON compliant"):
        asyncio.run(journal.set_meta("p", float("nan")))


@pytest.mark.parametrize("opened", [Journal.open, Journal.read_only])
def test_files_that_are_no_journal_are_refused_and_left_alone(tmp_path: Path, opened: object) -> None:
    assert callable(opened)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.commit()
    other.close()
    (tmp_path / "text.db").write_text("not a database " * 100)
    for name, words in [("other.db", "another program"), ("text.db", "not a journal")]:
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StorageError, match=words) as caught:
            opened(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("opened", [Journal.open, Journal.read_only])
def test_a_journal_of_a_newer_program_is_refused(tmp_path: Path, opened: object) -> None:
    assert callable(opened)
    Journal.open(tmp_path / "journal.db").close()
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match=r"format 99.*upgrade"):
        opened(tmp_path / "journal.db")


def test_a_damaged_journal_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        for i in range(200):
            asyncio.run(journal.add_step(step("r", attempt=i, text="x" * 3000)))
    data = bytearray(path.read_bytes())
    data[8192:] = b"\x00" * (len(data) - 8192)
    path.write_bytes(bytes(data))
    with Journal.read_only(path) as reader, pytest.raises(StorageError, match="damaged"):
        reader.steps("r")


def test_a_missing_or_empty_journal_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no journal here"):
        Journal.read_only(tmp_path / "journal.db")
    (tmp_path / "journal.db").touch()
    with pytest.raises(StorageError, match="still empty"):
        Journal.read_only(tmp_path / "journal.db")
    assert (tmp_path / "journal.db").stat().st_size == 0
    Journal.open(tmp_path / "journal.db").close()


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file or folder"):
        Journal.open(tmp_path / "no" / "journal.db")
