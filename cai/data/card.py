"""Dataset cards: what is in a dataset, for the people who open its folder and for the loader that reads the header.

A card is a pure function of the rows: no clock, no machine. Nothing here does I/O.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cai.data.tables import PreferenceRow, Provenance, SftRow

SANDBOX_MODEL = "cai-sandbox"
SPLITS = ("train", "eval")

_HEADER = """\
---
pretty_name: {title}
tags:
- constitutional-ai
- {tag}
configs:
- config_name: default
  data_files:
{files}---
"""

_SANDBOX_WARNING = """
> **A synthetic toy world.** Every answer here was written by `cai-sandbox`, a very small model that knows only an
> invented world of mild requests. The rows show and test the method. A model trained on them is no useful assistant
> and no safer one.
"""

_SFT_COLUMNS = {
    "prompt": "the conversation so far, a list of messages (`role`, `content`) that ends with the user's turn",
    "completion": "the revised answer, a list of one assistant message",
    "prompt_id": "hash of the prompt's messages",
    "principle_ids": "principles of the constitution that were applied up to this answer",
    "constitution, constitution_version": "the constitution by which the answers were criticised",
    "round": "how many revisions came before this answer; 0 is an unrevised draft",
    "method": "mode of critique; `none` for a draft",
    "source": "who wrote the answer: `ai`",
    "hazard": "hazard category that the source of the prompts gives, if any",
    "tags": "tags that the source of the prompts gives",
}

_PREFERENCE_COLUMNS = {
    "prompt": "the conversation so far, a list of messages (`role`, `content`) that ends with the user's turn",
    "chosen, rejected": "the two answers, each a list of one assistant message",
    "p_chosen": "probability that `chosen` is the better answer, between 0.5 and 1: a soft target, not a vote",
    "comparison_id": "hash of the prompt and both answers",
    "prompt_id": "hash of the prompt's messages",
    "principle_ids": "principles under which the answers were judged",
    "constitution, constitution_version": "the constitution of those principles",
    "comparison_source": "where the two answers come from",
    "method": "how the judge was asked",
    "flipped": "whether the verdict changed when the two answers were shown in the other order",
    "label_mass": "probability that the judge put on the two possible verdicts together; low means a confused judge",
    "source": "who judged: `ai`",
    "hazard": "hazard category that the source of the prompts gives, if any",
    "tags": "tags that the source of the prompts gives",
}


@dataclass(slots=True)
class Tally:
    """Counts over the rows of one dataset, gathered while they stream by; it grows with the hazards, not the rows."""

    rows: Counter[str] = field(default_factory=Counter)
    hazards: dict[str, Counter[str]] = field(default_factory=dict)
    rounds: Counter[int] = field(default_factory=Counter)
    flips: int = 0
    mass_sum: float = 0.0
    p_chosen_sum: float = 0.0
    left_out: Counter[str] = field(default_factory=Counter)

    def add_sft(self, split: str, row: SftRow) -> None:
        """Count one SFT row."""
        self._add(split, row["hazard"])
        self.rounds[row["round"]] += 1

    def add_preference(self, split: str, row: PreferenceRow) -> None:
        """Count one preference row."""
        self._add(split, row["hazard"])
        self.flips += row["flipped"]
        self.mass_sum += row["label_mass"]
        self.p_chosen_sum += row["p_chosen"]

    @property
    def splits(self) -> list[str]:
        """Splits that have rows; `train` if none has. The loader of `datasets` fails on a split without rows."""
        return [split for split in SPLITS if self.rows[split]] or ["train"]

    @property
    def total(self) -> int:
        """Rows of both splits."""
        return self.rows.total()

    def _add(self, split: str, hazard: str | None) -> None:
        self.rows[split] += 1
        self.hazards.setdefault(hazard or "", Counter())[split] += 1


def sft_card(tally: Tally, origin: Provenance) -> str:
    """The README.md of the SFT dataset."""
    rounds = [[str(index), _number(count)] for index, count in sorted(tally.rounds.items())]
    about = (
        f"Prompts with answers that a model drafted, criticised against the constitution {_named(origin)} and revised."
        f" The model is `{_inline(origin.model)}`. Method: Bai et al. 2022, *Constitutional AI* (arXiv 2212.08073)."
    )
    return _card(
        title=f"Revised answers under {origin.constitution}",
        tag="sft",
        about=about,
        tally=tally,
        origin=origin,
        sections={"Rows by round": _table(["round", "rows"], rounds), "Columns": _columns(_SFT_COLUMNS)},
        use="Supervised fine-tuning. TRL's `SFTTrainer` takes the columns `prompt` and `completion` as they are.",
    )


def preference_card(tally: Tally, origin: Provenance) -> str:
    """The README.md of the preference dataset."""
    about = (
        f"Pairs of answers and the probability that one is better, judged by a model under the constitution"
        f" {_named(origin)}. The model is `{_inline(origin.model)}`. Method: Bai et al. 2022, *Constitutional AI*"
        f" (arXiv 2212.08073); Lee et al. 2023, *RLAIF* (arXiv 2309.00267)."
    )
    return _card(
        title=f"AI preferences under {origin.constitution}",
        tag="preference",
        about=about,
        tally=tally,
        origin=origin,
        sections={"Labels": _labels(tally), "Columns": _columns(_PREFERENCE_COLUMNS)},
        use=(
            "Reward models, DPO and its family. TRL's trainers take `prompt`, `chosen` and `rejected` as they are;"
            " `p_chosen` is the soft target for losses that know one."
        ),
    )


def _card(
    *,
    title: str,
    tag: str,
    about: str,
    tally: Tally,
    origin: Provenance,
    sections: Mapping[str, str],
    use: str,
) -> str:
    files = "".join(f"  - split: {split}\n    path: {split}-*.parquet\n" for split in tally.splits)
    parts = [
        _HEADER.format(title=json.dumps(title, ensure_ascii=True), tag=tag, files=files),
        f"# {_plain(title)}\n",
        about + "\n",
    ]
    if origin.model == SANDBOX_MODEL:
        parts.append(_SANDBOX_WARNING.lstrip("\n"))
    parts.append("## Rows\n\n" + _rows(tally))
    if tally.left_out:
        reasons = [[_plain(reason), _number(count)] for reason, count in sorted(tally.left_out.items())]
        parts.append("## Left out\n\n" + _table(["reason", "rows"], reasons))
    parts += [f"## {heading}\n\n{body}" for heading, body in sections.items()]
    parts += [
        _LOADING,
        f"## Intended use\n\n{use}\n",
        _LIMITS,
    ]
    return "\n".join(parts)


_LOADING = """\
## Loading

```python
from datasets import load_dataset

data = load_dataset("path/of/this/folder")
```

A split without rows has no file and is not in `data`.
"""

_LIMITS = """\
## Limits

- The answers and the judgements are a model's, not people's. They carry its errors, its gaps and its bias.
- The prompts may be offensive, and drafts that were not revised away may be harmful. Do not show rows without care.
- The evaluation split shares no prompt with the training split, nor near-duplicates unless they were allowed, but
  prompts that say the same in other words may be in both.
- A dataset covers only the hazards, languages and styles of its prompts, as counted above.
"""


def _rows(tally: Tally) -> str:
    lines = [[split, _number(tally.rows[split])] for split in SPLITS]
    by_hazard = [
        [_plain(hazard) or "(none given)", *(_number(counts[split]) for split in SPLITS)]
        for hazard, counts in sorted(tally.hazards.items())
    ]
    text = _table(["split", "rows"], lines)
    return text + ("\n" + _table(["hazard", *SPLITS], by_hazard) if by_hazard else "")


def _labels(tally: Tally) -> str:
    lines = []
    if tally.total:
        lines = [
            ["verdicts that flipped with the order", f"{tally.flips / tally.total:.1%}"],
            ["mean probability of the two verdicts (`label_mass`)", f"{tally.mass_sum / tally.total:.3f}"],
            ["mean `p_chosen`", f"{tally.p_chosen_sum / tally.total:.3f}"],
        ]
    return _table(["over both splits", "value"], lines)


def _columns(meaning: Mapping[str, str]) -> str:
    return "".join(
        f"- {', '.join(f'`{name}`' for name in names.split(', '))}: {text}\n" for names, text in meaning.items()
    )


def _table(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [header, rule, *lines])


def _named(origin: Provenance) -> str:
    return f"*{_plain(origin.constitution)}*, version {_plain(origin.constitution_version)}"


def _number(count: int) -> str:
    return f"{count:,}"


def _plain(text: Any) -> str:
    """Text of a user's file in Markdown: on one line, and with nothing that would be read as markup."""
    line = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in r"\`*_[]<>|#!" else c for c in line)


def _inline(text: str) -> str:
    return " ".join(text.replace("`", "'").split())
