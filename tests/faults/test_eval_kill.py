"""An evaluation that is killed or interrupted goes on where it was, and ends with the same figures."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROMPTS = 40
IN_FLIGHT = 4
# Two models answer; the judge rates both and compares them in two orders.
CALLS = PROMPTS * 2 + PROMPTS * 2 + PROMPTS * 2
# What a kill may cost: a group that was not committed yet, each entry of two calls at most, and the calls under way.
LOST_AT_MOST = 2 * 64 + 2 * IN_FLIGHT
PATIENCE_S = 120.0

StopAt = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Case:
    """The folder of one evaluation, and the command that works in it."""

    folder: Path
    name: str

    @property
    def out(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.calls"

    def start(self, latency_s: float) -> subprocess.Popen[str]:
        engine = {"kind": "scripted", "latency_s": latency_s, "call_log": str(self.log)}
        settings: dict[str, Any] = {
            **{f"models.{name}": {"engine": engine | {"model": name}} for name in ("one", "two")},
            "prompts.s": {"path": str(self.folder / "prompts.jsonl"), "expects": "refuse"},
            "judge": {"engine": engine | {"model": "judge"}},
            "preferences": {"question": "Which is kinder?"},
            "max_in_flight": IN_FLIGHT,
        }
        (self.folder / f"{self.name}.yaml").write_text("{}\n")
        command = [sys.executable, "-m", "cai.cli.main", "eval", "--config", str(self.folder / f"{self.name}.yaml")]
        command += ["--out", str(self.out), "--json"]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self) -> dict[str, Any]:
        """Run to the end; what the command printed."""
        process = self.start(0.0)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        result: dict[str, Any] = json.loads(out)
        return result

    def called(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def results(self) -> dict[str, bytes]:
        names = ("evaluation.json", "responses-one.jsonl", "responses-two.jsonl")
        return {name: (self.out / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An evaluation that nobody disturbed."""
    folder = tmp_path_factory.mktemp("kill")
    rows = [json.dumps({"prompt": f"Question {number}"}) for number in range(PROMPTS)]
    (folder / "prompts.jsonl").write_text("\n".join(rows) + "\n")
    case = Case(folder, "untouched")
    assert case.finish()["preferences"][0]["n"] == PROMPTS
    assert case.called() == CALLS
    return case


def test_killed_again_and_again(untouched: Case, stop_at: StopAt) -> None:
    case = Case(untouched.folder, "killed")
    points = [1, PROMPTS + 8, CALLS // 2, CALLS - IN_FLIGHT]
    for point in points:
        code, _ = stop_at(case, point, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert not (case.out / "evaluation.json").exists()
    case.finish()
    assert case.called() <= CALLS + len(points) * LOST_AT_MOST
    assert case.results() == untouched.results()


def test_interrupted_it_says_how_to_go_on_and_loses_only_what_was_under_way(untouched: Case, stop_at: StopAt) -> None:
    case = Case(untouched.folder, "interrupted")
    code, err = stop_at(case, CALLS // 2, signal.SIGINT)
    assert code == 130
    assert "the same command goes on" in err
    assert "Traceback" not in err
    case.finish()
    assert case.called() <= CALLS + 2 * IN_FLIGHT
    assert case.results() == untouched.results()
