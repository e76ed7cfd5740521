"""`cai sandbox prompts`; the training of the model is tested with the sandbox."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from cai.cli.main import app
from cai.data.sources import scan
from cai.errors import UsageError


def prompts(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sandbox", "prompts", *map(str, arguments)])


def test_the_file_can_be_read_as_prompts(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    result = prompts(out, "--harmful", 3, "--benign", 2, "--json")
    assert json.loads(result.stdout) == {"path": str(out), "prompts": 5}
    info = scan(out)
    assert (info.count, info.with_hazard) == (5, 3)


def test_a_name_that_could_not_be_read_back_is_refused(tmp_path: Path) -> None:
    error = prompts(tmp_path / "p.txt").exception
    assert isinstance(error, UsageError) and error.where == str(tmp_path / "p.txt")


def test_more_prompts_than_the_world_has_are_refused_at_once(tmp_path: Path) -> None:
    assert prompts(tmp_path / "p.jsonl", "--benign", 10**6).exit_code == 2
