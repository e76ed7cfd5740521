"""Several labelers: their mean, and how far they are apart."""

from collections.abc import Callable
from typing import Any

import pytest

from cai.config.labels import EnsembleLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.labeling.build import LABEL_METHODS
from cai.labeling.ensemble import METHODS, EnsembleLabels
from cai.records import Comparison

Make = Callable[[str], Principle]
Run = Callable[..., Any]


def config(method: str = "choice", labelers: int = 2, **settings: Any) -> EnsembleLabelConfig:
    return EnsembleLabelConfig.model_validate(
        {"labelers": [{"engine": f"e{index}"} for index in range(labelers)], "method": {"kind": method}, **settings}
    )


def opinions(name: str, seen: str, role: str) -> tuple[float, float]:
    first = {"labeler.1": 0.9, "labeler.2": 0.3}[role]
    return (first, 1 - first) if name.endswith("ab") else (1 - first, first)


def test_mean_and_spread(pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run) -> None:
    method = EnsembleLabels(config(), craft, 0)
    assert method.roles == ("labeler.1", "labeler.2")
    label = run(method.label(pair, (principle("kind"), principle("fair")), told(opinions)))
    assert label.p_a == pytest.approx(0.6)
    assert label.spread == pytest.approx(0.3)
    assert label.method == "ensemble"
    assert [vote.labeler for vote in label.votes] == ["labeler.1"] * 4 + ["labeler.2"] * 4
    assert not label.flipped


def test_a_flip_is_of_one_labeler_not_between_two(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    def always_a(name: str, seen: str, role: str) -> tuple[float, float]:
        return (0.9, 0.1) if role != "labeler.1" else opinions(name, seen, role)

    three = EnsembleLabels(config(labelers=3), craft, 0)
    assert run(three.label(pair, (principle("kind"),), told(always_a))).flipped
    two = EnsembleLabels(config(), craft, 0)
    assert not run(two.label(pair, (principle("kind"),), told(always_a))).flipped


@pytest.mark.parametrize("kind", ["choice", "cot", "rating"])
def test_every_method_serves(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run, kind: str
) -> None:
    def says(name: str, seen: str, role: str) -> tuple[float, ...]:
        return (0.1,) * 10 if kind == "rating" else opinions(name, seen, role)

    judge = told(says)
    label = run(EnsembleLabels(config(kind), craft, 0).label(pair, (principle("kind"),), judge))
    assert {role for *_, role in judge.scored} == {"labeler.1", "labeler.2"}
    assert {role for _, _, role, _ in judge.written} == ({"labeler.1", "labeler.2"} if kind == "cot" else set())
    assert label.spread is not None


def test_the_ensembles_own_share_is_turned_round(
    pair: Comparison, principle: Make, craft: Stagecraft, told: Any, run: Run
) -> None:
    method = EnsembleLabels(config(negated=1.0), craft, 0)
    label = run(method.label(pair, (principle("kind"),), told(opinions)))
    assert all(vote.negated for vote in label.votes)
    assert label.p_a == pytest.approx(0.4)


def test_what_was_asked_names_every_labeler(pair: Comparison, principle: Make, craft: Stagecraft) -> None:
    two, three = (EnsembleLabels(config(labelers=n), craft, 0).asked(pair, (principle("kind"),)) for n in (2, 3))
    assert [role for role, _ in three] == ["labeler.1", "labeler.2", "labeler.3"]
    assert three[:2] == two


def test_an_ensemble_holds_every_method_but_itself() -> None:
    assert set(METHODS) == set(LABEL_METHODS) - {"ensemble"}
