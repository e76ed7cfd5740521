"""`cai export` and `cai push`: what is printed, and what is wrong with the options."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import DatasetError, UsageError


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows for two trainings; one prompt does not alternate."""
    folder = tmp_path / "rows"
    folder.mkdir()
    twice = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    sft = [{"prompt": "q", "completion": "a"}, {"prompt": twice, "completion": "a"}]
    pairs = [{"prompt": "q", "chosen": "a", "rejected": "b", "p_chosen": 0.7}]
    (folder / "sft.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sft))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    return folder


def test_counts_and_reasons_are_shown(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("export", rows, "--format", "llamafactory", "--out", out)
    assert result.exit_code == 0, result.output
    assert "sft, train: 1 left out (user and assistant do not alternate, the user first)" in result.stdout
    assert f"written to {out}" in result.stdout and (out / "dataset_info.json").is_file()


def test_json_is_what_the_folder_lists(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("export", rows, "-f", "trl", "-o", out, "--what", "rl,sft", "--json")
    row = json.loads(result.stdout)
    assert row.pop("path") == str(out)
    assert row == json.loads((out / "export.json").read_text())
    assert {what: table["rows"] for what, table in row["tables"].items()} == {"sft": {"train": 2}, "rl": {"train": 2}}


def test_what_generate_leaves_is_exported_and_listed_for_the_hub(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert invoke("generate", prompts, "--engine", "scripted", "--rounds", 1, "--out", run).exit_code == 3
    result = invoke("export", run, "-f", "axolotl", "-o", tmp_path / "out", "--what", "sft,rl", "--json")
    rows = {what: sum(table["rows"].values()) for what, table in json.loads(result.stdout)["tables"].items()}
    assert rows == {"sft": 2, "rl": 2}
    listed = json.loads(invoke("push", run, "me/data", "--dry-run", "--json").stdout)["files"]
    sent = {path.relative_to(run / "datasets").as_posix() for path in (run / "datasets").rglob("*.parquet")}
    assert set(listed) == {"README.md", *sent}


def test_force_replaces(rows: Path, tmp_path: Path) -> None:
    arguments = ["export", rows, "-f", "trl", "-o", tmp_path / "out"]
    assert invoke(*arguments).exit_code == 0
    assert isinstance(invoke(*arguments).exception, UsageError)
    assert invoke(*arguments, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        (["--format", "axolotol"], "did you mean axolotl?"),
        (["--format", "trl", "--what", "dpo"], "use sft, preferences, reward, kto, rl"),
        (["--format", "trl", "--what", ","], "use sft, preferences, reward, kto, rl"),
        (["--format", "verl", "--what", "kto"], "trl, axolotl, llamafactory"),
    ],
)
def test_a_wrong_choice_is_answered_with_what_there_is(
    options: list[str], fix: str, rows: Path, tmp_path: Path
) -> None:
    error = invoke("export", rows, *options, "--out", tmp_path / "out").exception
    assert isinstance(error, UsageError) and error.fix is not None and fix in error.fix
    assert not (tmp_path / "out").exists()


def test_a_dry_run_lists_the_files_and_needs_no_token(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    result = invoke("push", rows, "me/data", "--dry-run", "--private")
    assert [line.split()[-1] for line in result.stdout.splitlines()[:3]] == [
        "README.md",
        "preferences/pairs.jsonl",
        "sft/sft.jsonl",
    ]
    assert "3 files would go to me/data (private)" in result.stdout
    row = json.loads(invoke("push", rows, "me/data", "--dry-run", "--json", "--what", "sft").stdout)
    assert row["commit"] is None and set(row["files"]) == {"README.md", "sft/sft.jsonl"}


def test_push_knows_two_datasets(rows: Path) -> None:
    for wrong in ("kto", ","):
        assert isinstance(invoke("push", rows, "me/data", "--what", wrong).exception, UsageError)
    (rows / "pairs.jsonl").unlink()
    error = invoke("push", rows, "me/data", "--what", "preferences", "--dry-run").exception
    assert isinstance(error, DatasetError)
