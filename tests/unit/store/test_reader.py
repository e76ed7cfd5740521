"""Finding single records without reading them all, and telling whether a writer is at work."""

import asyncio
import json
import os
import socket
from pathlib import Path

import pytest

from cai.records import Message, Outcome, Prompt
from cai.store.journal import Journal
from cai.store.lock import RunLock, seems_held

PROMPTS = [Prompt.of((Message("user", f"question {index}"),), f"p:{index}") for index in range(5)]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five prompts: two failed, of which one under an earlier plan, and one was read only in an earlier session."""
    path = tmp_path / "journal.db"

    async def fill() -> None:
        with Journal.open(path) as writer:
            for plan, prompts in (("old", PROMPTS), ("new", PROMPTS[1:])):
                session = await writer.begin_session(plan)
                for prompt in prompts:
                    await writer.add_prompt(prompt, "train", session)
            await writer.finish(Outcome(PROMPTS[1].id, "failed", "why", "old"))
            await writer.finish(Outcome(PROMPTS[2].id, "failed", "why", "new"))
            await writer.finish(Outcome(PROMPTS[3].id, "trajectory", None, "new"))

    asyncio.run(fill())
    return path


def test_ids_by_beginning_status_and_number(journal: Path) -> None:
    ids = sorted(prompt.id for prompt in PROMPTS[1:])
    with Journal.read_only(journal) as reader:
        assert reader.record_ids(2) == ids
        assert reader.record_ids(2, limit=2) == ids[:2]
        assert reader.record_ids(2, prefix=PROMPTS[4].id[:8]) == [PROMPTS[4].id]
        assert reader.record_ids(2, prefix="%") == []
        assert reader.record_ids(2, status="failed") == [PROMPTS[2].id]
        assert reader.record_ids(1) == [PROMPTS[0].id]


def test_one_record_is_as_in_the_stream_of_all(journal: Path) -> None:
    with Journal.read_only(journal) as reader:
        for record in reader.records(2):
            assert reader.record(record.prompt.id) == record
        assert reader.record("unknown") is None


def test_a_lock_seems_held_while_its_process_runs(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not seems_held(path)
    lock = RunLock.acquire(path)
    assert seems_held(path)
    lock.release()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}),
        json.dumps({"pid": os.getpid(), "host": "elsewhere.invalid"}),
        json.dumps({"pid": "x", "host": socket.gethostname()}),
    ],
)
def test_a_lock_of_nobody_who_runs_here_does_not(text: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(text)
    assert not seems_held(tmp_path / "lock")
