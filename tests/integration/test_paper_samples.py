"""The published trajectories of the paper's 52B model, converted, imported, and read as a run of our own."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cai.cli.main import app
from cai.store.run_dir import RunDir

FILE = Path(__file__).parents[3] / "shared" / "data" / "cai_paper" / "samples" / "LAMDA_SLMADISON.jsonl"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not in ../shared/data")


def converted(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the published file as `cai import-run` takes it."""
    return {
        "prompt": row["rl_prompt"],
        "draft": row["initial_response"][0]["sample"],
        "model": "SL-CAI 52B",
        "rounds": [
            {
                "principle": request(step["cst_value"]["prompt"][0], "CritiqueRequest:", "Critique:"),
                "revision_request": request(step["cst_value"]["edit_request"], "RevisionRequest:", "Revision:"),
                "critique": step["critique"]["sample"],
                "revision": step["revision"]["sample"],
            }
            for step in row["cst"]
        ],
    }


def request(text: str, begin: str, end: str) -> str:
    """The request between the marks of a transcript."""
    return text.strip().removeprefix(begin).removesuffix(end).strip()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    rows = [converted(json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]
    (folder / "paper.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["import-run", str(folder / "paper.jsonl"), "--out", str(folder / "run"), "--json"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    (folder / "run" / "summary.json").write_text(result.stdout)
    return folder / "run"


def test_every_round_is_there_and_none_is_confused_or_looping(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["rounds"] == 52 and summary["counts"]["trajectories"] == 13
    for flaws in (summary["critique_flaws"], summary["revision_flaws"]):
        assert flaws.get("role_confusion", 0) + flaws.get("looping", 0) <= 1
    assert RunDir.existing(run).verify() == ()


def test_the_requests_are_found_again_in_a_constitution_of_the_papers_principles(run: Path, tmp_path: Path) -> None:
    """The made constitution names each request once, so that all rounds name ids of it when it is given."""
    command = ["import-run", str(run.parent / "paper.jsonl"), "-o", str(tmp_path / "run"), "--json"]
    given = [*command, "--constitution", str(run / "constitution.yaml")]
    summary = json.loads(CliRunner().invoke(app, given, catch_exceptions=False).stdout)
    assert summary["unknown_principles"] == []
    made = json.loads((run / "summary.json").read_text())["unknown_principles"]
    assert 10 <= len(made) <= 16 and len(set(made)) == len(made)


def test_the_sft_dataset_loads_as_it_stands(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(run / "datasets" / "sft"), cache_dir=str(tmp_path))
    rows = [row for split in loaded for row in loaded[split]]
    assert {row["round"] for row in rows} == {1, 2, 3, 4}
    assert {row["prompt"][-1]["role"] for row in rows} == {"user"}
    assert all(row["completion"][0]["content"].strip() for row in rows)


@pytest.mark.parametrize("command", [["status"], ["inspect"], ["constitution", "stats"]])
def test_the_commands_for_runs_read_it(command: list[str], run: Path) -> None:
    result = CliRunner().invoke(app, [*command, str(run), "--json"], catch_exceptions=False)
    assert result.exit_code == 0 and json.loads(result.stdout)


def test_it_is_exported_for_a_trainer(run: Path, tmp_path: Path) -> None:
    command = ["export", str(run), "--format", "trl", "--what", "sft", "--out", str(tmp_path / "trl"), "--json"]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0


def test_its_report_is_written(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the drawing library is not installed")
    page = tmp_path / "report.html"
    result = CliRunner().invoke(app, ["report", str(run), "--out", str(page)], catch_exceptions=False)
    assert result.exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "SL-CAI 52B" in text and "13 trajectories" in text
