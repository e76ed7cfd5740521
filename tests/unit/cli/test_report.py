"""`cai report`: where the page is, what is on it, what is said when there is nothing."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.errors import UsageError


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_json_says_where_the_page_is_and_what_is_on_it(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_training(tmp_path / "dpo", "dpo")
    row = json.loads(invoke(tmp_path / "dpo", "--json").stdout)
    assert row["report"] == str(tmp_path / "dpo" / "report.html") and Path(row["report"]).is_file()
    assert row["figures"] == ["loss", "accuracy"]
    assert {"section": "collapse", "reason": "nothing was evaluated here; `cai eval` compares models"} in row[
        "sections_left_out"
    ]


def test_the_page_goes_where_it_is_wanted(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_training(tmp_path / "dpo", "dpo")
    out = tmp_path / "new" / "page.html"
    result = invoke(tmp_path / "dpo", "--out", out)
    assert result.stdout.splitlines()[0] == f"{out}: 2 figures"
    assert "left out: collapse" in result.stdout
    assert out.is_file() and not (tmp_path / "dpo" / "report.html").exists()


def test_a_run_without_the_sandbox_asks_no_oracle(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "run", records=4)
    result = invoke(tmp_path / "run", "--json")
    assert result.exit_code == 0 and result.stderr == ""
    assert "harm-by-revision" not in json.loads(result.stdout)["figures"]


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    error = invoke(tmp_path).exception
    assert isinstance(error, UsageError) and error.where == str(tmp_path)


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def found(name: str, *more: Any) -> Any:
        return None if name == "altair" else real(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", found)
    error = invoke(tmp_path).exception
    assert isinstance(error, UsageError)
    assert "altair" in error.what and error.fix is not None and "[report]" in error.fix
