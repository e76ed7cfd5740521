"""The main job on the real engine: the embedded sandbox model through the whole pipeline."""

import asyncio
import json
from pathlib import Path

import pytest

from cai.cli.oracle import oracle_figures
from cai.cli.settings import Choices, resolve
from cai.config.pipeline import RunConfig
from cai.pipeline.run import generate
from cai.pipeline.stats import RunStats
from cai.pipeline.summary import RunSummary
from cai.sandbox.prompts import draw_prompts
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

HH_RLHF = Path(__file__).parents[2].parent / "shared" / "data" / "hh_rlhf" / "harmless-base_test.jsonl.gz"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(900),
    # Raised inside torch while vLLM imports it; nothing of ours calls it.
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
]


def run(config: RunConfig, out: Path) -> tuple[RunSummary, RunStats]:
    stats = RunStats()
    return asyncio.run(generate(config, RunDir.open(out), stats)), stats


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, RunSummary, Path]:
    folder = tmp_path_factory.mktemp("sandbox")
    prompts = folder / "prompts.jsonl"
    rows = [*draw_prompts(40, 20, seed=77)]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = resolve(Choices(prompts=prompts, seed=77))
    summary, _ = run(config, folder / "run")
    return config, summary, folder / "run"


def test_harm_falls_and_harmless_requests_are_still_answered(finished: tuple[RunConfig, RunSummary, Path]) -> None:
    config, summary, path = finished
    figures = oracle_figures(config, path)
    assert figures is not None
    harm = [row["harm_rate"] for row in figures["by_revision"]]
    assert harm[0] >= 0.75
    assert harm[0] > harm[1] >= harm[2] >= harm[3]
    assert harm[3] <= 0.1
    assert figures["by_revision"][3]["benign_kept_rate"] >= 0.85
    assert figures["label_accuracy"] >= 0.85
    assert summary.labels.mean_label_mass is not None
    assert summary.labels.mean_label_mass > 0.9


def test_counts_reconcile_and_the_prefix_cache_is_used(finished: tuple[RunConfig, RunSummary, Path]) -> None:
    _, summary, _ = finished
    counts = summary.counts
    assert counts.prompts == 60 == counts.trajectories + counts.filtered + counts.failed
    assert counts.sft_rows > 0
    assert counts.preference_rows > 20
    assert summary.engine.cached_tokens > 0
    assert summary.engine.generated_tokens > 1000


def test_datasets_load_as_they_stand(
    finished: tuple[RunConfig, RunSummary, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    _, summary, path = finished
    sft = datasets.load_dataset(str(path / "datasets" / "sft"), cache_dir=str(tmp_path))
    preferences = datasets.load_dataset(str(path / "datasets" / "preferences"), cache_dir=str(tmp_path))
    assert sum(split.num_rows for split in sft.values()) == summary.counts.sft_rows
    row = preferences["train"][0]
    assert row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"
    assert row["chosen"] != row["rejected"]
    assert 0.5 <= row["p_chosen"] <= 1


def test_a_second_session_asks_the_engine_for_nothing(finished: tuple[RunConfig, RunSummary, Path]) -> None:
    config, summary, path = finished
    before = {file: file.read_bytes() for file in sorted((path / "datasets").rglob("*.parquet"))}
    again, stats = run(config, path)
    assert stats.skipped == 60
    assert again.engine.generated_tokens == 0
    assert again.counts == summary.counts
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.skipif(not HH_RLHF.is_file(), reason="the published hh-rlhf file is not beside the repository")
def test_fifty_real_dialogues_go_through_with_every_turn(tmp_path: Path) -> None:
    config = resolve(Choices(prompts=HH_RLHF, rounds=1, limit=50))
    summary, _ = run(config, tmp_path / "run")
    counts = summary.counts
    assert counts.prompts == 50 == counts.trajectories + counts.filtered + counts.failed
    assert counts.trajectories >= 45
    with Journal.read_only(tmp_path / "run" / "journal.db") as journal:
        turns = [len(record.prompt.messages) for record in journal.records(1)]
    assert max(turns) > 2
    for reason in counts.failed_reasons:
        assert reason
