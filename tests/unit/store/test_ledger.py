"""What was asked is found again, also by a later command, and only if exactly the same is asked."""

import asyncio
from pathlib import Path

from cai.records import Usage
from cai.store.journal import Journal
from cai.store.ledger import Ledger


def test_entries_outlive_the_command(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.db"

    async def write() -> None:
        with Journal.open(path) as journal:
            ledger = Ledger(journal)
            await ledger.keep("p", "answer", "h1", {"text": "one"}, Usage(1, 0, 2))
            await ledger.keep("p", "answer", "h2", {"text": "two"}, Usage())
            await ledger.keep("p", "harm", "h1", {"value": 3.5}, Usage())
            await ledger.flush()
            assert ledger.known("p", "answer", "h1") == {"text": "one"}

    asyncio.run(write())
    with Journal.open(path) as journal:
        ledger = Ledger(journal)
        assert ledger.known("p", "answer", "h2") == {"text": "two"}
        assert ledger.known("p", "harm", "h1") == {"value": 3.5}
        assert ledger.known("p", "harm", "h2") is None
        assert ledger.known("q", "answer", "h1") is None
        assert ledger.known("p", "preference", "h1") is None
