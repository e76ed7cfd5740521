"""What an evaluation found: figures of each model, comparisons between them, and their answers side by side."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cai.report.files import number_in, read_object, read_rows, rows_in, text_in

RESULT = "evaluation.json"
COLLAPSE = {
    "distinct_1": "different words",
    "distinct_2": "different word pairs",
    "repeated_4gram_share": "repeated 4-grams",
    "mean_length": "length in words",
    "identical_opening_share": "equal openings",
}
"""Signs of collapse by their name in evaluation.json."""
_FIGURES = ("harm_rate", "refusal_rate", "good_refusal_rate", "benign_answered_rate", "over_refusal_rate", "reward")
_LOOK_AHEAD = 256


@dataclass(frozen=True)
class ModelFigures:
    """One model. A figure that is not known is None."""

    name: str
    path: str
    prompts: int | None
    figures: Mapping[str, float | None]
    collapse: Mapping[str, float | None]
    by_hazard: Mapping[str, float | None]
    """Harm rate by hazard."""
    by_set: Mapping[str, Mapping[str, float | None]]

    def get(self, key: str) -> float | None:
        """A figure over all prompts."""
        return self.figures.get(key)


@dataclass(frozen=True, slots=True)
class Preference:
    """How often the judge prefers the answers of `a` to those of `b`; `low` and `high` bound the rate."""

    a: str
    b: str
    win_rate: float | None
    low: float | None
    high: float | None
    n: int | None
    flip_rate: float | None
    prompts: str = "all prompts"
    longer_preferred: float | None = None

    def turned(self) -> "Preference":
        """The same the other way round."""
        rate, low, high = (None if value is None else 1 - value for value in (self.win_rate, self.high, self.low))
        return replace(self, a=self.b, b=self.a, win_rate=rate, low=low, high=high)


@dataclass(frozen=True, slots=True)
class Rating:
    """The strength of a model over all comparisons."""

    model: str
    rating: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Evaluation:
    """One evaluation, read."""

    path: Path
    baseline: str
    harm_method: str
    harmful_from: float
    """An answer counts as harmful from this rating on."""
    sets: tuple[tuple[str, str, int | None], ...]
    models: tuple[ModelFigures, ...]
    preferences: tuple[Preference, ...]
    ratings: tuple[Rating, ...]
    row: Mapping[str, Any]

    @property
    def base(self) -> ModelFigures | None:
        """The model against which the others are measured."""
        return next((model for model in self.models if model.name == self.baseline), None)


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation.

    Raises:
        StorageError: evaluation.json cannot be read or is none of ours.
    """
    row = read_object(path / RESULT, "cai eval")
    return Evaluation(
        path=path,
        baseline=text_in(row, "baseline"),
        harm_method=text_in(row, "harm_method"),
        harmful_from=number_in(row, "harmful_from") or 1.0,
        sets=tuple((text_in(s, "name"), text_in(s, "path"), _whole(s, "prompts")) for s in rows_in(row, "sets")),
        models=tuple(_model(model) for model in rows_in(row, "models")),
        preferences=tuple(found for pair in rows_in(row, "preferences") for found in _preferences(pair)),
        ratings=tuple(
            Rating(text_in(r, "model"), *(number_in(r, key) for key in ("rating", "low", "high")))
            for r in rows_in(row, "ratings")
        ),
        row=row,
    )


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of one model. `harmful` is None where nobody judged it."""

    model: str
    text: str
    refusal: str
    harmful: bool | None
    row: Mapping[str, Any]


def side_by_side(evaluation: Evaluation) -> Iterator[tuple[Response, ...]]:
    """The answers of all models to each prompt that all have answered, as a stream.

    The files are in one order; an answer that one of them lacks is looked for a little ahead, never in all of it.
    """
    paths = {model.name: evaluation.path / f"responses-{model.name}.jsonl" for model in evaluation.models}
    # A name is no path: what stands in evaluation.json must not lead out of the folder.
    if not paths or not all(path.parent == evaluation.path and path.is_file() for path in paths.values()):
        return
    (first, source), *others = paths.items()
    cursors = {name: _Cursor(read_rows(path)) for name, path in others}
    for row in read_rows(source):
        key = _key(row)
        found = {name: cursor.find(key) for name, cursor in cursors.items()}
        if all(other is not None for other in found.values()):
            rows = {first: row, **{name: other for name, other in found.items() if other is not None}}
            yield tuple(_response(name, answer, evaluation.harmful_from) for name, answer in rows.items())


class _Cursor:
    """Rows of one file, read in step with another that has the same order."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows = rows
        self._ahead: deque[dict[str, Any]] = deque()

    def find(self, key: tuple[str, str]) -> dict[str, Any] | None:
        """The row of that key, if it is near; what stands before it is given up."""
        for index, row in enumerate(self._ahead):
            if _key(row) == key:
                for _ in range(index + 1):
                    self._ahead.popleft()
                return row
        while len(self._ahead) < _LOOK_AHEAD:
            read = next(self._rows, None)
            if read is None:
                return None
            if _key(read) == key:
                self._ahead.clear()
                return read
            self._ahead.append(read)
        return None


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("set")), str(row.get("prompt_id"))


def _response(model: str, row: dict[str, Any], harmful_from: float) -> Response:
    harm = number_in(row, "harm")
    harmful = None if harm is None else harm >= harmful_from
    return Response(model, text_in(row, "response"), text_in(row, "refusal"), harmful, row)


def _model(row: dict[str, Any]) -> ModelFigures:
    collapse = row.get("collapse")
    signs = collapse if isinstance(collapse, dict) and collapse else row
    return ModelFigures(
        name=text_in(row, "model"),
        path=text_in(row, "path"),
        prompts=_whole(row, "prompts"),
        figures={key: number_in(row, key) for key in _FIGURES},
        collapse={key: number_in(signs, key) for key in COLLAPSE},
        by_hazard={name: number_in(part, "harm_rate") for name, part in _parts(row, "by_hazard").items()},
        by_set={name: {key: number_in(part, key) for key in _FIGURES} for name, part in _parts(row, "by_set").items()},
    )


def _preferences(row: dict[str, Any]) -> list[Preference]:
    """One comparison of two models, over all prompts and then on those of each kind."""
    parts = {"all prompts": row, "harmful prompts": row.get("harmful"), "harmless prompts": row.get("benign")}
    found = []
    for name, part in parts.items():
        if isinstance(part, dict):
            rate, low, high = (number_in(part, key) for key in ("win_rate_a", "low", "high"))
            counts = _whole(part, "n"), number_in(part, "flip_rate")
            longer = number_in(part, "longer_preferred")
            found.append(Preference(text_in(row, "a"), text_in(row, "b"), rate, low, high, *counts, name, longer))
    return found


def _parts(row: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    parts = row.get(key)
    found = parts.items() if isinstance(parts, dict) else ()
    return {str(name): part for name, part in found if isinstance(part, dict)}


def _whole(row: dict[str, Any], key: str) -> int | None:
    value = number_in(row, key)
    return None if value is None else int(value)
