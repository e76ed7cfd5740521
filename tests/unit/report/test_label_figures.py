"""What the report says of labels, from tallies made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from cai.config.stages import GenerateConfig
from cai.records import Label, Vote
from cai.report.label_figures import label_facts, labelers
from cai.report.tally import LabelTally


def run_of(*verdicts: tuple[float, float]) -> Any:
    """A run of which each label is by two labelers."""
    tally = LabelTally(labels=len(verdicts), flips=1, mass_sum=0.9 * len(verdicts), different_length=4)
    tally.longer_preferred = 3
    for one, other in verdicts:
        votes = tuple(Vote("kind", "ab", p, 0.9, f"labeler.{n}") for n, p in enumerate((one, other), start=1))
        spread = abs(one - other) / 2
        tally.agreement.add(Label("c", (one + other) / 2, 0.9, False, "ensemble", votes, spread))
        tally.spreads += 1
        tally.spread_sum += spread
        tally.spread.add(2 * spread)
    told = SimpleNamespace(labels=tally, config=GenerateConfig())
    return SimpleNamespace(tally=told, against_draft=False)


def test_where_answers_are_rated_alone_there_is_no_order_to_flip() -> None:
    run = run_of((0.9, 0.8))
    ensemble = {"kind": "ensemble", "labelers": [{}, {}], "method": {"kind": "rating"}}
    for labels in ({"kind": "rating"}, ensemble):
        run.tally.config = GenerateConfig.model_validate({"labels": labels})
        assert "verdicts flipped" not in {fact.name for fact in label_facts(run)}


def test_the_figure_of_the_labelers_counts_every_label() -> None:
    found = labelers("run-", run_of((0.9, 0.8), (0.9, 0.1), (0.2, 0.3), (0.4, 0.1)))
    assert found.id == "run-labelers"
    assert "75.0% of their labels" in found.says and "0.50 on average" in found.says
    assert found.table.rows == (("labeler.1 and labeler.2", "0.500"),)
    drawn = found.chart.to_dict()
    bars = [row for rows in drawn["datasets"].values() for row in rows]
    assert sum(row["to"] - row["from"] for row in bars) == 4
    assert max(row["high"] for row in bars) <= 0.5


def test_facts_name_what_to_look_at_first() -> None:
    facts = {fact.name: fact.value for fact in label_facts(run_of((0.9, 0.8), (0.9, 0.1)))}
    assert facts["verdicts flipped"] == "50.0%"
    assert facts["longer answer preferred"] == "75.0%"
    assert facts["label mass"] == "90.0%"
    assert facts["spread"] == "0.225"


@pytest.mark.parametrize("count", [0, 1])
def test_one_labeler_alone_has_no_agreement_to_show(count: int) -> None:
    run = run_of()
    run.tally.labels.labels = count
    assert {"spread", "labelers' kappa"}.isdisjoint(fact.name for fact in label_facts(run))
