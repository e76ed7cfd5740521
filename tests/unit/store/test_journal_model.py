"""The journal behaves as a plain dict does, whatever the order of writes, flushes, kills and reopenings."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cai.records import Message, Outcome, Prompt, Step, Usage
from cai.store.journal import Journal
from cai.store.reader import StepKey

TEXTS = st.sampled_from(["a", "b", "c", "d", "ä\ud800", ""])
PROMPTS = [Prompt.of((Message("user", name),), f"f:{i}", None, ("t",)) for i, name in enumerate("vwxyz")]
ANY_PROMPT = st.sampled_from(PROMPTS)


class JournalMachine(RuleBasedStateMachine):
    """Every rule does to a dict what it does to the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.journal = Journal.open(self.folder / "journal.db", group_rows=3)
        self.steps: dict[str, dict[StepKey, Step]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.prompts: dict[str, tuple[int, str]] = {}
        self.session = 0
        self.flushed = True

    def do(self, call: Any) -> Any:
        self.flushed = False
        return self.loop.run_until_complete(call)

    @rule()
    def begin(self) -> None:
        self.session += 1
        assert self.do(self.journal.begin_session("plan")) == self.session

    @precondition(lambda self: self.session)
    @rule(prompt=ANY_PROMPT, split=st.sampled_from(["train", "eval"]))
    def add_prompt(self, prompt: Prompt, split: Any) -> None:
        new = self.prompts.get(prompt.id, (0, ""))[0] != self.session
        assert self.do(self.journal.add_prompt(prompt, split, self.session)) == new
        if new:
            self.prompts[prompt.id] = (self.session, split)

    @rule(
        prompt=ANY_PROMPT,
        stage=st.sampled_from(["draft", "label"]),
        round_=st.integers(0, 2),
        attempt=st.integers(0, 1),
        text=TEXTS,
    )
    def add_step(self, prompt: Prompt, stage: str, round_: int, attempt: int, text: str) -> None:
        step = Step(prompt.id, stage, round_, attempt, "h", "done", {"text": text}, Usage(1, 0, len(text)))
        self.do(self.journal.add_step(step))
        self.steps.setdefault(prompt.id, {})[StepKey(stage, round_, attempt)] = step

    @rule(prompt=ANY_PROMPT, status=st.sampled_from(["trajectory", "filtered", "failed"]))
    def finish(self, prompt: Prompt, status: Any) -> None:
        outcome = Outcome(prompt.id, status, None, "plan")
        self.do(self.journal.finish(outcome))
        self.outcomes[prompt.id] = outcome

    @rule()
    def flush(self) -> None:
        self.do(self.journal.flush())
        self.flushed = True

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.folder / "journal.db", group_rows=3)
        self.flushed = True

    @invariant()
    def agrees_with_the_model(self) -> None:
        if not self.flushed:
            return
        for prompt in PROMPTS:
            assert self.journal.steps(prompt.id) == self.steps.get(prompt.id, {})
            assert self.journal.outcome(prompt.id) == self.outcomes.get(prompt.id)
        current = {i: split for i, (session, split) in self.prompts.items() if session == self.session}
        records = list(self.journal.records(self.session))
        assert [(r.prompt.id, r.split) for r in records] == sorted(current.items())
        assert all(r.steps == self.steps.get(r.prompt.id, {}) for r in records)
        counts = self.journal.counts(self.session)
        finished = [self.outcomes[i].status for i in current if i in self.outcomes]
        assert counts.prompts == len(current)
        assert counts.trajectories == finished.count("trajectory")
        assert sum(counts.failed.values()) == finished.count("failed")
        assert counts.owed == len(current) - len(finished)

    def teardown(self) -> None:
        self.journal.close()
        self.loop.close()
        shutil.rmtree(self.folder)


JournalMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_journal_agrees_with_a_dict = JournalMachine.TestCase
