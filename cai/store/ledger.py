"""What models have said, kept as it comes, so that nothing is asked twice.

An entry is found by the prompt and the hash of all that was asked (model, sampling, words), so entries of an earlier
command are reused wherever this one asks the same, whatever the model is called now.
"""

from collections import Counter
from typing import Any

from cai.records import Step, Usage
from cai.store.journal import Journal
from cai.store.reader import StepKey


class Ledger:
    """Entries in a journal.

    Args:
        journal: Open for writing.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.made: Counter[str] = Counter()
        """Entries of this session by stage."""

    def known(self, prompt_id: str, stage: str, asked: str) -> dict[str, Any] | None:
        """The body of an entry; None if this was never asked."""
        step = self._journal.steps(prompt_id).get(_key(stage, asked))
        return None if step is None else step.body

    async def keep(self, prompt_id: str, stage: str, asked: str, body: dict[str, Any], usage: Usage) -> None:
        """Add an entry; it is durable within a moment."""
        key = _key(stage, asked)
        await self._journal.add_step(Step(prompt_id, key.stage, key.round, key.attempt, asked, "done", body, usage))
        self.made[stage] += 1

    async def flush(self) -> None:
        """Wait until every entry is durable, and can be read."""
        await self._journal.flush()


def _key(stage: str, asked: str) -> StepKey:
    return StepKey(f"{stage}/{asked}", 0, 0)
