"""What people said as preference rows, in the columns of the run's own: alone, or together with the AI labels.

Two ways to weigh people against the AI. Training on both at once (`cai train --data RUN --mix RUN/feedback=2`) shows a
comparison that people judged once with the AI's target and W times with theirs; as cross-entropy is linear in the
target, that is the gradient of the target (W * people + ai) / (W + 1) with weight W + 1. `mix` writes just that target
into one row, of weight 1, where all comparisons shall count alike.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cai.data.shards import ShardWriter
from cai.data.tables import PREFERENCE_SCHEMA
from cai.errors import UsageError
from cai.feedback.card import card
from cai.feedback.compared import View
from cai.feedback.content import content_of
from cai.feedback.store import FeedbackStore, Verdict, remove_folder, rows_of
from cai.records import Message
from cai.store.atomic import make_folder, reporting, sync_folder, write_text

AiLabels = Literal["none", "mix", "replace"]
SPLITS = ("train", "eval")

Row = dict[str, Any]


@dataclass(slots=True)
class Exported:
    """What was written, and what was not: ties (in the end) prefer nothing, and prompts of the SFT split stay there."""

    folder: str
    train: int = 0
    eval: int = 0
    by_source: dict[str, int] = field(default_factory=dict)
    ties: int = 0
    sft_split: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def export_own(view: View, store: FeedbackStore) -> Exported:
    """Write RUN/feedback/preferences anew: the rows of people alone.

    Raises:
        StorageError: The feedback cannot be read, or the rows cannot be written.
    """
    return _export(view, store, rows_of(view.place), "none", 1.0)


def export_feedback(
    view: View, store: FeedbackStore, out: Path, ai: AiLabels = "none", weight: float = 1.0
) -> Exported:
    """Write preference rows into a new folder.

    Args:
        view: The run.
        store: Its feedback.
        out: The folder; it must be new or empty.
        ai: `none` for people alone; `mix` for all comparisons of the run, where people judged with the target
            (weight * people + ai) / (weight + 1); `replace` for the same with the target of people alone there.
        weight: How much people count against the AI label, with `mix`.

    Raises:
        UsageError: The folder is in use, the weight is no number, or the run has no datasets to mix with.
        StorageError: The run or the feedback cannot be read, or the rows cannot be written.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise UsageError(f"{weight} is no weight", where="--weight", fix="write a number from 0 up")
    with reporting(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError("the folder is in use", where=str(out), fix="choose a new or empty folder")
    if ai != "none" and next(view.preferences(), None) is None:
        fix = "let `cai generate` or `cai label` finish: it writes the preferences at its end"
        raise UsageError("the run has no preferences to mix with", where=str(view.place.path), fix=fix)
    return _export(view, store, out, ai, weight)


def _export(view: View, store: FeedbackStore, out: Path, ai: AiLabels, weight: float) -> Exported:
    found = Exported(str(out))
    building = out.with_name(f".{out.name}.new")
    remove_folder(building)
    make_folder(building)
    sources: Counter[str] = Counter()
    try:
        with ExitStack() as stack:
            writers = {s: stack.enter_context(ShardWriter(building, s, PREFERENCE_SCHEMA)) for s in SPLITS}
            for split, row in _rows(view, store, found, ai, weight):
                writers[split].add(row)
                sources[row["source"]] += 1
            found.train, found.eval = (writers[split].rows for split in SPLITS)
            for split in SPLITS:
                writers[split].finish(even_if_empty=split == "train" and not sources.total())
        found.by_source = dict(sorted(sources.items()))
        splits = [split for split in SPLITS if getattr(found, split)] or ["train"]
        write_text(building / "README.md", card(splits, found.by_source, ai, weight))
        with reporting(out):
            sync_folder(building)
            remove_folder(out)
            building.rename(out)
            sync_folder(out.parent)
    except BaseException:
        remove_folder(building)
        raise
    return found


def _rows(view: View, store: FeedbackStore, found: Exported, ai: AiLabels, weight: float) -> Iterator[tuple[str, Row]]:
    used: set[str] = set()
    if ai != "none":
        for split, row in view.preferences():
            yield from _mixed(split, row, store, found, weight if ai == "mix" else None, used)
    for verdict in store.verdicts():
        if verdict.key in used:
            continue
        if verdict.split == "sft":
            found.sft_split += 1
        elif verdict.p_a == 0.5:
            found.ties += 1
        else:
            yield "eval" if verdict.split == "eval" else "train", _human_row(verdict)


def _mixed(
    split: str, row: Row, store: FeedbackStore, found: Exported, weight: float | None, used: set[str]
) -> Iterator[tuple[str, Row]]:
    """The row with the target that people and the AI come to; without a weight people alone decide."""
    prompt = [Message(turn["role"], turn["content"]) for turn in row["prompt"]]
    content = content_of(prompt, row["chosen"][-1]["content"], row["rejected"][-1]["content"])
    verdict = store.verdict(content)
    if verdict is None:
        yield split, row
        return
    used.add(verdict.key)
    people = verdict.p_for(content.a_hash)
    p = people if weight is None else (weight * people + row["p_chosen"]) / (weight + 1)
    if p == 0.5:
        found.ties += 1
        return
    chosen, rejected = (row["chosen"], row["rejected"]) if p > 0.5 else (row["rejected"], row["chosen"])
    source = "human" if weight is None else "human+ai"
    method = "human" if weight is None else f"human+{row['method']}"
    target = {"p_chosen": max(p, 1 - p), "chosen": chosen, "rejected": rejected}
    yield split, {**row, **target, "source": source, "method": method}


def _human_row(verdict: Verdict) -> Row:
    """A row of people alone. No principle was asked for, so it names none, and no constitution."""
    answers = [[{"role": "assistant", "content": text}] for text in (verdict.response_a, verdict.response_b)]
    a_wins = verdict.p_a > 0.5
    return {
        **_NEUTRAL,
        "prompt": [turn.to_dict() for turn in verdict.prompt],
        "chosen": answers[0 if a_wins else 1],
        "rejected": answers[1 if a_wins else 0],
        "p_chosen": max(verdict.p_a, 1 - verdict.p_a),
        "comparison_id": verdict.id,
        "prompt_id": verdict.prompt_id,
        "hazard": verdict.hazard,
    }


_NEUTRAL: Mapping[str, Any] = {
    "principle_ids": [],
    "constitution": "",
    "constitution_version": "",
    "comparison_source": "imported",
    "method": "human",
    "flipped": False,
    "label_mass": 1.0,
    "source": "human",
    "tags": [],
}
