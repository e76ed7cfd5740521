"""The public hh-rlhf test file goes in with every turn kept, compared with a parser of another make."""

import gzip
import json
from pathlib import Path

import pytest

from cai.data.sources import read, scan
from cai.data.transcripts import join_turns

FILE = Path(__file__).parents[3] / "shared" / "data" / "hh_rlhf" / "harmless-base_test.jsonl.gz"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not in ../shared/data")

SPEAKERS = {"Human: ": "user", "Assistant: ": "assistant"}


def turns_by_blocks(text: str) -> list[tuple[str, str]]:
    """Walk over the blocks between empty lines: a block that begins with a speaker opens a turn, others continue it."""
    turns: list[tuple[str, str]] = []
    assert text.startswith("\n\n")
    for piece in text[2:].split("\n\n"):
        block = piece
        # "a\n\n\nHuman: b" has a line end that belongs to the turn before, not to the marker.
        while block.startswith("\n") and block.lstrip("\n").startswith(tuple(SPEAKERS)):
            turns[-1] = (turns[-1][0], turns[-1][1] + "\n")
            block = block[1:]
        speaker = next((name for name in SPEAKERS if block.startswith(name)), None)
        if speaker:
            turns.append((SPEAKERS[speaker], block[len(speaker) :]))
        else:
            turns[-1] = (turns[-1][0], turns[-1][1] + "\n\n" + block)
    return turns


def test_every_turn_of_every_conversation_is_kept() -> None:
    with gzip.open(FILE, "rt", encoding="utf-8", newline="\n") as stream:
        originals = [json.loads(line)["chosen"] for line in stream]
    prompts = list(read(FILE))
    assert len(prompts) == len(originals) == 2312
    for number, (prompt, original) in enumerate(zip(prompts, originals, strict=True), start=1):
        expected = turns_by_blocks(original)
        while expected[-1][0] == "assistant":
            expected.pop()
        assert [(m.role, m.content) for m in prompt.messages] == expected, f"line {number}"
        assert prompt.source == f"{FILE.name}:{number}"
        joined = join_turns(prompt.messages)
        assert original.startswith(joined)
        assert original[len(joined) :].startswith("\n\nAssistant: ")
        assert "\n\nHuman: " not in original[len(joined) :]


def test_the_file_passes_the_check() -> None:
    info = scan(FILE)
    assert (info.count, info.multi_turn) == (2312, 1650)
