"""A journal whose every text is hostile, and small files for the command line."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cai.records import Label, Message, Outcome, Prompt, Step, Usage, Vote
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

HOSTILE = "[red]x[/red] [/] \x1b[31mred\x1b]8;;file:///x\x07 \x9b2J \u202eabc :bomb: end"


@pytest.fixture
def hostile() -> str:
    """Rich markup, ANSI escapes, a C1 control, a bidirectional override and an emoji code."""
    return HOSTILE


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Two good prompts, and one that the scripted engine fails."""
    path = tmp_path / "prompts.jsonl"
    rows = [{"prompt": "How do I bake bread?"}, {"prompt": "And a cake?"}, {"prompt": "[[fail]] now"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def hostile_run(tmp_path: Path) -> tuple[Path, str]:
    """A run directory, and the id of a record in it of which everything is hostile; another one failed."""
    path = tmp_path / "run"
    run = RunDir.open(path, "never")
    prompt = Prompt.of((Message("user", HOSTILE),), HOSTILE, HOSTILE, (HOSTILE,))
    failed = Prompt.of((Message("user", "other"),), "other:1")
    label = Label("c", 0.75, 0.9, True, "choice", (Vote(HOSTILE, "ab", 0.75, 0.9),))
    bodies = {
        "draft": {"text": HOSTILE, "finish_reason": "stop"},
        "critique": {"text": HOSTILE, "principle_ids": [HOSTILE], "finish_reason": "stop"},
        "label": {"response_a": HOSTILE, "response_b": "b", "source": "draft_vs_revision", "label": label.to_dict()},
    }

    async def fill() -> None:
        with Journal.open(run.journal_path) as journal:
            session = await journal.begin_session("plan")
            await journal.add_prompt(prompt, "train", session)
            await journal.add_prompt(failed, "train", session)
            for stage, body in bodies.items():
                await journal.add_step(Step(prompt.id, stage, 0, 0, "asked", "done", body, Usage(3, 2, 1)))
            await journal.finish(Outcome(prompt.id, "trajectory", None, "plan"))
            await journal.finish(Outcome(failed.id, "failed", HOSTILE, "plan"))
            await journal.end_session()

    asyncio.run(fill())
    return path, prompt.id


@pytest.fixture
def assert_harmless() -> Callable[[str], None]:
    """Checks that the hostile text is there, in plain sight and without force, in output of a colour terminal."""

    def check(shown: str) -> None:
        assert "[red]x[/red]" in shown
        assert ":bomb:" in shown
        for evil in ("\x1b[31m", "\x1b]", "\x9b", "\u202e", "\x07"):
            assert evil not in shown

    return check
