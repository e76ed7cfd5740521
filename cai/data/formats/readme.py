"""The words that go with an export: a README of the folder, and the header that lets `datasets` find the splits."""

from collections.abc import Mapping

from cai.data.formats.base import SPLITS, DatasetFormat, What
from cai.data.formats.write import TableCounts

_SANDBOX = """
> **A synthetic toy world.** The answers were written by `cai-sandbox`, a very small model that knows only an invented
> world of mild requests. A model trained on them is no useful assistant and no safer one.
"""

_ABOUT: dict[What, str] = {
    "sft": "prompts with a revised answer to learn",
    "preferences": "pairs of answers, for DPO and its family",
    "reward": "pairs of answers, for a reward model",
    "kto": "answers marked good or bad, two for each pair",
    "rl": "prompts alone, each once, for training with a reward model",
}


def table_readme(what: What, counts: TableCounts) -> str:
    """The README.md of a folder of Parquet shards: the files of each split, for `datasets.load_dataset`."""
    files = "".join(f"  - split: {split}\n    path: {split}-*.parquet\n" for split in SPLITS if split in counts.files)
    header = f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    return f"{header}\n# {what}\n\n{_ABOUT[what].capitalize()}.\n"


def folder_readme(
    format_: DatasetFormat, tables: Mapping[What, TableCounts], settings: Mapping[str, str], *, sandbox: bool
) -> str:
    """The README.md of an export."""
    rows = "".join(
        f"| `{what}` | {_ABOUT[what]} | {counts.rows['train']:,} | {counts.rows['eval']:,} |\n"
        for what, counts in tables.items()
    )
    parts = [f"# Data for {format_.name}\n", *([_SANDBOX.lstrip("\n")] if sandbox else [])]
    parts.append(f"| folder | what it holds | train | eval |\n|---|---|---:|---:|\n{rows}")
    labels = [f"- `{what}`: {format_.tables[what].soft_label}.\n" for what in tables if format_.tables[what].soft_label]
    if labels:
        parts.append(
            "`p_chosen` is the probability that the chosen answer is the better one, a soft label:\n\n"
            + "".join(labels)
        )
    notes = [f"- `{what}`: {format_.tables[what].note}.\n" for what in tables if format_.tables[what].note]
    if notes:
        parts.append("Good to know:\n\n" + "".join(notes))
    left = [
        f"- `{what}`, {split}: {count:,} rows ({reason})\n"
        for what, counts in tables.items()
        for split, reasons in counts.left_out.items()
        for reason, count in reasons.items()
    ]
    if left:
        parts.append("Left out, because the format cannot hold them:\n\n" + "".join(left))
    names = ", ".join(f"`{name}`" for name in settings)
    parts.append(
        f"Settings for {format_.name}: {names}. The first lines of each say how to use it."
        " All paths are relative to this folder.\n"
    )
    return "\n".join(parts)
