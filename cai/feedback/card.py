"""The README.md of exported feedback: which rows there are, for people and for the loader of `datasets`."""

from collections.abc import Mapping, Sequence

_HEADER = """\
---
pretty_name: Human feedback
tags:
- human-feedback
- preferences
configs:
- config_name: default
  data_files:
{files}---

# Human feedback

{about}

| source | rows |
|---|---|
{rows}

`p_chosen` is the share of people who preferred `chosen`, a tie counting as half a vote{mixed}.
The columns are those of the preference dataset of a run; `principle_ids` and `constitution` are empty where people
judged alone, for nobody asked them about a principle. `train` and `eval` follow the splits of the run, so that nothing
is trained on that it holds out.
"""

_ABOUT = {
    "none": "Comparisons that people judged.",
    "mix": "All comparisons of a run; where people judged too, they and the AI label make the target together.",
    "replace": "All comparisons of a run; where people judged, their target stands in place of the AI label.",
}


def card(splits: Sequence[str], by_source: Mapping[str, int], ai: str, weight: float) -> str:
    """The text of the card, a pure function of what was written."""
    files = "".join(f"  - split: {split}\n    path: {split}-*.parquet\n" for split in splits)
    rows = "\n".join(f"| {source} | {count} |" for source, count in by_source.items()) or "| none | 0 |"
    mixed = (
        f"; in rows of the source `human+ai` it is ({weight:g} x people + AI) / {weight + 1:g}" if ai == "mix" else ""
    )
    return _HEADER.format(files=files, about=_ABOUT[ai], rows=rows, mixed=mixed)
