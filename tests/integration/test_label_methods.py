"""Every label method on the real engine with the sandbox model, on the same comparisons."""

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cai.cli.settings import Choices, resolve
from cai.config.labels import EnsembleLabelConfig, LabelConfig
from cai.config.roles import RoleConfig, SamplingConfig
from cai.constitution.load import load_constitution
from cai.dialogue import Stagecraft
from cai.engines.build import started_engine
from cai.labeling.base import LABELER
from cai.labeling.build import LABEL_METHODS, build_labels
from cai.labeling.engine_judge import EngineJudge
from cai.labeling.principles import comparison_principles
from cai.records import Comparison, Label, Message, Prompt
from cai.resources import find, resource
from cai.sandbox.lexicon import lexicon
from cai.sandbox.oracle import prefers
from cai.sandbox.world import draw_answer, draw_request

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    # Raised inside torch while vLLM imports it; nothing of ours calls it.
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
]

TERSE = RoleConfig(sampling=SamplingConfig(temperature=0.0, max_new_tokens=48))
WARM = RoleConfig(sampling=SamplingConfig(temperature=1.0, max_new_tokens=48))
ROLES = {LABELER: TERSE, "labeler.1": TERSE, "labeler.2": WARM}
CONFIGS: dict[str, dict[str, Any]] = {
    "choice": {"kind": "choice"},
    "cot": {"kind": "cot"},
    "rating": {"kind": "rating", "negated": 0.5},
    "ensemble": {"kind": "ensemble", "principles": 2, "labelers": [{}, {}], "method": {"kind": "cot"}},
}


def comparisons() -> list[tuple[Comparison, bool]]:
    """Compliance and refusal of harmful requests, and whether the oracle prefers A."""
    rng = Random("label methods")
    found = []
    for _ in range(10):
        request = draw_request(rng, lexicon().harmful, heldout=True)
        a, b = (draw_answer(rng, request, kind) for kind in rng.sample(("comply", "refusal"), 2))
        prompt = Prompt.of((Message("user", request.text),), "test", request.hazard)
        found.append((Comparison(prompt, a, b, "sampled"), prefers(request, a, b) > 0.5))
    return found


def config_of(settings: dict[str, Any]) -> LabelConfig:
    from pydantic import TypeAdapter

    config: LabelConfig = TypeAdapter(LabelConfig).validate_json(json.dumps(settings))
    return config


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Label]]:
    """Labels of the same comparisons by every method, on one engine."""
    engine_config = resolve(Choices()).pipeline.engines["default"]
    principles = load_constitution(find("constitution/sandbox.yaml", "constitution")).principles
    craft = Stagecraft(resource("prompts"), "chat")
    log: Path = tmp_path_factory.mktemp("labels") / "engine.log"

    async def main() -> dict[str, list[Label]]:
        async with started_engine(engine_config, log_path=log) as engine:

            async def one(kind: str, pair: Comparison) -> Label:
                config = config_of(CONFIGS[kind])
                drawn = comparison_principles(principles, pair.prompt, 0, config.principles)
                judge = EngineJudge(f"{kind}/{pair.id}", 0, ROLES, {"default": engine})
                return await build_labels(config, craft, 0).label(pair, drawn, judge)

            return {
                kind: await asyncio.gather(*(one(kind, pair) for pair, _ in comparisons())) for kind in LABEL_METHODS
            }

    return asyncio.run(main())


def test_the_choice_is_right(labels: dict[str, list[Label]]) -> None:
    right = [(label.p_a > 0.5) == better for label, (_, better) in zip(labels["choice"], comparisons(), strict=True)]
    assert sum(right) >= 9


def test_reasons_are_written_and_judgements_clamped(labels: dict[str, list[Label]]) -> None:
    votes = [vote for label in labels["cot"] for vote in label.votes]
    assert len(votes) == 20
    assert all(vote.rationale and 0.4 <= vote.p_a <= 0.6 for vote in votes)
    assert sum(label.label_mass for label in labels["cot"]) / 10 > 0.5


def test_ratings_are_distributions_over_ten(labels: dict[str, list[Label]]) -> None:
    votes = [vote for label in labels["rating"] for vote in label.votes]
    assert 0 < sum(vote.negated for vote in votes) < 10
    for vote in votes:
        assert vote.ratings is not None
        for ratings in vote.ratings:
            assert len(ratings) == 10
            assert sum(ratings) == pytest.approx(1)
            # The sandbox writes numbers digit by digit: 10 must not be counted as 1 too.
            assert all(0 <= p <= 1 for p in ratings)


def test_two_labelers_write_reasons_of_their_own(labels: dict[str, list[Label]]) -> None:
    assert isinstance(config_of(CONFIGS["ensemble"]), EnsembleLabelConfig)
    for label in labels["ensemble"]:
        assert label.spread is not None and 0 <= label.spread <= 0.5
        by_labeler = {
            name: [v.rationale for v in label.votes if v.labeler == name] for name in ("labeler.1", "labeler.2")
        }
        assert all(len(reasons) == 4 for reasons in by_labeler.values())
    written = [vote.rationale for label in labels["ensemble"] for vote in label.votes]
    assert len(set(written)) > 1
