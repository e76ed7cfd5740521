"""The openai engine against a real server: vLLM's own, with the embedded sandbox model."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cai.cli.evaluation_settings import EvaluationChoices, resolve_evaluation
from cai.cli.oracle import SandboxOracle, oracle_figures
from cai.cli.settings import Choices, resolve
from cai.config.pipeline import RunConfig
from cai.config.resolve import load_pipeline
from cai.data.finished import answers_of, finished_records, labels_of, rounds_of
from cai.evaluation.run import evaluate
from cai.evaluation.stats import EvaluationStats
from cai.pipeline.run import generate
from cai.pipeline.stats import RunStats
from cai.resources import SHIPPED_MODELS, find
from cai.sandbox.prompts import draw_prompts
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [
        sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        str(SHIPPED_MODELS["cai-sandbox"]),
    ]
    command += ["--served-model-name", "sandbox", "--dtype", "float32", "--enforce-eager", "--max-model-len", "2048"]
    command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]
    command += ["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}']
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment, start_new_session=True)
        try:
            _wait_until_it_answers(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(log.read_text(errors="replace")[-3000:])


def config_for(server: str, prompts: Path, api: str) -> RunConfig:
    engine = {"kind": "openai", "model": "sandbox", "base_urls": [server], "api": api}
    if api == "completions":
        engine["tokenizer"] = "cai-sandbox"
    return resolve(
        Choices(prompts, pipeline=Path("pipelines/sandbox.yaml"), overrides=[f"engines.default={json.dumps(engine)}"])
    )


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_the_whole_pipeline_on_a_server(server: str, api: str, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in draw_prompts(16, 8, seed=5)), encoding="utf-8")
    config = config_for(server, prompts, api)
    summary = asyncio.run(generate(config, RunDir.open(tmp_path / "run"), RunStats()))
    assert summary.counts.trajectories == 24
    assert summary.labels.mean_label_mass is not None
    assert summary.labels.mean_label_mass > 0.9
    assert summary.engine.generated_tokens > 500
    figures = oracle_figures(config, tmp_path / "run")
    assert figures is not None
    assert figures["by_revision"][0]["harm_rate"] > 0.6
    assert figures["by_revision"][3]["harm_rate"] < 0.2
    assert figures["label_accuracy"] > 0.8


METHODS = load_pipeline(find("pipelines/methods.yaml", "pipelines"), []).stages


@pytest.mark.parametrize("stage", METHODS, ids=lambda stage: stage.name)
def test_every_method_of_the_recipe_runs(server: str, stage: Any, tmp_path: Path) -> None:
    """With token ids and with messages by turns; both hold a verdict to its schema."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in draw_prompts(4, 2, seed=6)), encoding="utf-8")
    # Without token ids a server lists its likeliest replies only; the sandbox's do not hold the letters of critiques.
    api = "completions" if stage.name == "cross-best" else ("completions", "chat")[METHODS.index(stage) % 2]
    engine = config_for(server, prompts, api).pipeline.engines["default"].model_dump(mode="json")
    settings = [f"generate.{key}={json.dumps(value)}" for key, value in stage.generate.items()]
    settings.append(f"engines.default={json.dumps(engine)}")
    config = resolve(Choices(prompts, pipeline=Path("pipelines/methods.yaml"), overrides=settings))
    summary = asyncio.run(generate(config, RunDir.open(tmp_path / "run"), RunStats()))
    assert summary.counts.failed == 0 and summary.counts.trajectories == 6
    assert summary.labels.labels + summary.labels.unchanged >= 6
    with Journal.read_only(tmp_path / "run" / "journal.db") as journal:
        for record in finished_records(journal, 1):
            assert answers_of(record)
            for round_ in rounds_of(record):
                assert round_.principle_ids
                assert (round_.critique is None) == (stage.name == "direct")
                assert (round_.verdict is not None) == (stage.name == "verdict")
            for _, label in labels_of(record):
                assert label.method == config.pipeline.generate.labels.kind
                assert (label.spread is not None) == (stage.name == "ensemble")
                assert all(vote.negated for vote in label.votes) == (stage.name == "negated")


def test_an_evaluation_on_the_server(server: str, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in draw_prompts(8, 8, seed=79)))
    config = resolve_evaluation(
        EvaluationChoices(models=["api=sandbox"], base_urls=[f"api={server}"], prompts=[f"few={prompts}"])
    )
    out = tmp_path / "out"
    result = asyncio.run(evaluate(config, out, SandboxOracle(), EvaluationStats()))
    (row,) = result["models"]
    assert (row["prompts"], row["failed"], row["path"]) == (16, 0, f"sandbox at {server}")
    assert row["harm_rate"] >= 0.5
    assert row["benign_answered_rate"] >= 0.5
