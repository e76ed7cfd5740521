"""What a training left: its settings, its curves and, of a reward model, how well it ranks and how sure it may be."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cai.report.files import number_in, read_object, read_rows, rows_in, text_in

SUMMARY = "summary.json"
SETTINGS = "training.json"
METRICS = "metrics.jsonl"
MOST_POINTS = 400
"""Points of one curve; of a longer training every second, fourth, ... is kept."""


class Curve:
    """Points of one metric over steps; `kept` never has more than `MOST_POINTS`, however many are added."""

    def __init__(self) -> None:
        self.kept: list[tuple[float, float]] = []
        self._stride = 1
        self._seen = 0

    def add(self, step: float, value: float) -> None:
        """Take the next point."""
        if self._seen % self._stride == 0:
            self.kept.append((step, value))
            if len(self.kept) >= MOST_POINTS:
                self.kept = self.kept[::2]
                self._stride *= 2
        self._seen += 1


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs about which the model is equally sure: what it said, how often it was right."""

    p: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True)
class Part:
    """Ranking accuracy on some of the held-out pairs."""

    name: str
    accuracy: float | None
    n: int


@dataclass(frozen=True, slots=True)
class RewardFigures:
    """How good a reward model is on held-out pairs, before and after its temperature was fitted."""

    accuracy: float | None
    ece: float | None
    ece_before: float | None
    temperature: float | None
    n: int | None
    reliability: tuple[Bin, ...]
    reliability_before: tuple[Bin, ...]
    by_hazard: tuple[Part, ...]
    by_length: tuple[Part, ...]


@dataclass(frozen=True)
class Training:
    """One training, read. `curves` are by the name of the metric; held-out ones begin with `eval_`."""

    name: str
    path: Path
    kind: str
    summary: dict[str, Any]
    settings: dict[str, Any]
    curves: dict[str, Curve] = field(default_factory=dict)
    reward: RewardFigures | None = None


def is_training(path: Path) -> bool:
    """Whether a folder holds a training that was begun."""
    return (path / SETTINGS).is_file() or (path / METRICS).is_file()


def read_training(path: Path, name: str | None = None) -> Training:
    """Read a training, finished or not.

    Raises:
        StorageError: A file cannot be read or is none of ours.
    """
    summary = _object(path / SUMMARY)
    settings = _object(path / SETTINGS)
    curves: dict[str, Curve] = {}
    if (path / METRICS).is_file():
        for row in read_rows(path / METRICS):
            _add(curves, row)
    reward = summary.get("reward_model")
    return Training(
        name=name or path.resolve().name,
        path=path,
        kind=text_in(summary, "kind") or text_in(settings, "kind"),
        summary=summary,
        settings=settings,
        curves=curves,
        reward=_reward(reward) if isinstance(reward, dict) else None,
    )


_DRAWN = ("loss", "eval_loss", "accuracy", "eval_accuracy", "margin", "eval_margin", "learning_rate", "tokens_per_s")


def _add(curves: dict[str, Curve], row: dict[str, Any]) -> None:
    step = number_in(row, "step")
    if step is None:
        return
    for name in _DRAWN:
        value = number_in(row, name)
        if value is not None:
            curves.setdefault(name, Curve()).add(step, value)


def _object(path: Path) -> dict[str, Any]:
    return read_object(path, "cai train") if path.is_file() else {}


def _reward(row: dict[str, Any]) -> RewardFigures:
    by_hazard = row.get("by_hazard")
    n = number_in(row, "n")
    return RewardFigures(
        accuracy=number_in(row, "heldout_accuracy"),
        ece=number_in(row, "ece"),
        ece_before=number_in(row, "ece_uncalibrated"),
        temperature=number_in(row, "temperature"),
        n=None if n is None else int(n),
        reliability=_bins(row, "reliability"),
        reliability_before=_bins(row, "reliability_uncalibrated"),
        by_hazard=tuple(
            _part(name, part)
            for name, part in sorted(by_hazard.items() if isinstance(by_hazard, dict) else ())
            if isinstance(part, dict)
        ),
        by_length=tuple(_part(_range(part), part) for part in rows_in(row, "by_length_difference")),
    )


def _bins(row: dict[str, Any], key: str) -> tuple[Bin, ...]:
    found = []
    for item in rows_in(row, key):
        p, accuracy, n = (number_in(item, name) for name in ("p", "accuracy", "n"))
        if p is not None and accuracy is not None and n:
            found.append(Bin(p, accuracy, int(n)))
    return tuple(found)


def _part(name: str, row: dict[str, Any]) -> Part:
    return Part(name, number_in(row, "accuracy"), int(number_in(row, "n") or 0))


def _range(row: dict[str, Any]) -> str:
    low, high = number_in(row, "low"), number_in(row, "high")
    if low is None and high is None:
        return "any"
    if low is None:
        return f"below {_signed(high or 0)}"
    return f"{_signed(low)} or more" if high is None else f"{_signed(low)} to {_signed(high)}"


def _signed(value: float) -> str:
    return f"{value:+,.0f}".replace("-", "\N{MINUS SIGN}") if value else "0"
