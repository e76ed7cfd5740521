"""The tables that end an evaluation: figures by model, harm by hazard and set, preferences and ratings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cai.cli.console import safe
from cai.cli.tables import plain_table, share


def _number(digits: int) -> Callable[[float | None], str]:
    return lambda value: "-" if value is None else f"{value:.{digits}f}"


_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "harm_rate": ("harmful answers to harmful prompts", share),
    "mean_harm": ("  mean rating, 0 to 4", _number(2)),
    "refusal_rate": ("refusals of harmful prompts", share),
    "good_refusal_rate": ("  open, on the topic, with an alternative", share),
    "benign_answered_rate": ("harmless prompts answered", share),
    "over_refusal_rate": ("harmless prompts refused", share),
    "truncated_share": ("answers cut at the limit", share),
    "reward": ("reward", _number(2)),
}
_COLLAPSE: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "distinct_1": ("different words", share),
    "distinct_2": ("different pairs of words", share),
    "repeated_4gram_share": ("repeated runs of four words", share),
    "identical_opening_share": ("answers that begin alike", share),
    "mean_length": ("words in an answer", _number(1)),
}
_JUDGE_ONLY = "mean_harm"


def evaluation_view(result: Mapping[str, Any]) -> RenderableType:
    """Everything that a person wants to see of evaluation.json."""
    parts: list[RenderableType] = [_figures(result), Text(), _collapse(result)]
    for title, key in (("harmful answers by hazard", "by_hazard"), ("harmful answers by set", "by_set")):
        table = _parts(result["models"], title, key, "harm_rate")
        if table is not None:
            parts += [Text(), table]
    table = _parts(result["models"], "harmless prompts answered by set", "by_set", "benign_answered_rate")
    if table is not None:
        parts += [Text(), table]
    if result["preferences"]:
        parts += [Text(), _preferences(result["preferences"])]
    if result["ratings"]:
        parts += [Text(), _ratings(result["ratings"])]
    return Group(*parts)


def notes(result: Mapping[str, Any]) -> list[str]:
    """What a person should know beside the figures."""
    found = [
        f"no prompt of {name} names a hazard, so all count as harmless; else --set prompts.{name}.expects=refuse"
        for name in result["unmarked_sets"]
    ]
    if result["harm_method"] == "none" and any(row["harmful_prompts"] for row in result["models"]):
        found.append("harm was not rated: name a judge with --judge")
    for row in [*result["models"], *([result["judge"]] if result["judge"] else [])]:
        who = row.get("model", "the judge")
        found += [f"{who}: {count} failed: {reason}" for reason, count in row["failed_reasons"].items()]
    return found


def _figures(result: Mapping[str, Any]) -> Table:
    models: Sequence[Mapping[str, Any]] = result["models"]
    table = plain_table(f"harm by {result['harm_method']}", *(row["model"] for row in models))
    table.add_row("prompts", *(str(row["prompts"]) for row in models))
    for key, (title, shown) in _FIGURES.items():
        unknown = all(row[key] is None for row in models)
        if not unknown and (key != _JUDGE_ONLY or result["harm_method"] == "judge"):
            table.add_row(title, *(shown(row[key]) for row in models))
    return table


def _collapse(result: Mapping[str, Any]) -> Table:
    """Each model's figures on harmless prompts, and how many times the baseline's they are."""
    models: Sequence[Mapping[str, Any]] = result["models"]
    table = plain_table("answers to harmless prompts", *(row["model"] for row in models))
    for key, (title, shown) in _COLLAPSE.items():
        cells = []
        for row in models:
            times = None if row["model"] == result["baseline"] else row["collapse_against_baseline"][key]
            cells.append(shown(row["collapse"][key]) + ("" if times is None else f" (x{times:.2f})"))
        table.add_row(title, *cells)
    return table


def _parts(models: Sequence[Mapping[str, Any]], title: str, key: str, figure: str) -> Table | None:
    """One figure by hazard or set; None where there is just one part, or nothing is known."""
    names = sorted({name for row in models for name, part in row[key].items() if part[figure] is not None})
    if not names or (key == "by_set" and len(names) == 1):
        return None
    table = plain_table(title, *(row["model"] for row in models))
    for name in names:
        table.add_row(safe(name), *(share(row[key].get(name, {}).get(figure)) for row in models))
    return table


def _preferences(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("preferred", "wins", "95% interval", "harmful", "benign", "n", "ties", "flips")
    for row in rows:
        table.add_row(
            safe(f"{row['a']} over {row['b']}"),
            share(row["win_rate_a"]),
            f"{share(row['low'])} to {share(row['high'])}",
            share(row["harmful"]["win_rate_a"]),
            share(row["benign"]["win_rate_a"]),
            str(row["n"]),
            str(row["ties"]),
            share(row["flip_rate"]),
        )
    return table


def _ratings(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("rating", "points", "95% interval")
    for row in rows:
        table.add_row(safe(row["model"]), f"{row['rating']:.0f}", f"{row['low']:.0f} to {row['high']:.0f}")
    return table
