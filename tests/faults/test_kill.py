"""A run that is killed, again and again, ends with the same datasets, byte for byte, as one that was left alone."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cai.store.journal import Journal
from cai.store.run_dir import RunDir

RECORDS = 24
ROUNDS = 2
IN_FLIGHT = 4
# A draft, two calls a round, and two questions for the label.
CALLS = RECORDS * (1 + 2 * ROUNDS + 2)
# What a kill may cost: a group that was not committed yet, and the calls under way.
LOST_AT_MOST = 64 + 2 * IN_FLIGHT
PATIENCE_S = 120.0

StopAt = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Case:
    """A run directory, and the command that works in it."""

    folder: Path
    name: str

    @property
    def run(self) -> RunDir:
        return RunDir(self.folder / self.name)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.calls"

    def start(self, latency_s: float) -> subprocess.Popen[str]:
        settings = {
            "engines.default.latency_s": latency_s,
            "engines.default.call_log": json.dumps(str(self.log)),
            "generate.max_in_flight": IN_FLIGHT,
        }
        command = [sys.executable, "-m", "cai.cli.main", "generate", str(self.folder / "prompts.jsonl")]
        command += ["--engine", "scripted", "--rounds", str(ROUNDS), "--out", str(self.run.path), "--json"]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, latency_s: float = 0.0) -> dict[str, dict[str, int]]:
        """Run to the end; what the command printed."""
        process = self.start(latency_s)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        summary: dict[str, dict[str, int]] = json.loads(out)
        return summary

    def called(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def datasets(self) -> dict[str, bytes]:
        root = self.run.datasets
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kill")
    rows = [json.dumps({"prompt": f"Question {number}"}) for number in range(RECORDS)]
    (made / "prompts.jsonl").write_text("\n".join(rows) + "\n")
    return made


@pytest.fixture(scope="module")
def untouched(folder: Path) -> Case:
    """A run that nobody disturbed."""
    case = Case(folder, "untouched")
    summary = case.finish()
    assert summary["counts"]["trajectories"] == RECORDS
    return case


def committed(case: Case) -> int:
    with Journal.read_only(case.run.journal_path) as journal:
        session = journal.latest_session()
        assert session is not None
        keys = (key for record in journal.records(session.number) for key in record.steps)
        # The last step of a record asks nothing.
        return sum(key.stage != "trajectory" for key in keys)


def test_killed_again_and_again(folder: Path, untouched: Case, stop_at: StopAt) -> None:
    case = Case(folder, "killed")
    points = [1, CALLS // 4, CALLS // 2, CALLS - IN_FLIGHT]
    kept = 0
    for point in points:
        code, _ = stop_at(case, point, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert not case.run.datasets.exists()
        if case.called() > LOST_AT_MOST:
            now = committed(case)
            assert now >= kept
            kept = now
    assert kept > 0
    summary = case.finish()
    assert summary["counts"]["trajectories"] == RECORDS
    assert case.called() <= untouched.called() + len(points) * LOST_AT_MOST
    assert case.datasets() == untouched.datasets()
    assert case.run.verify() == ()


def test_killed_after_half_of_its_work_only_what_is_owed_is_asked(
    folder: Path, untouched: Case, stop_at: StopAt
) -> None:
    case = Case(folder, "half")
    stop_at(case, CALLS // 2, signal.SIGKILL)
    kept = committed(case)
    summary = case.finish()
    assert 0 < kept < committed(untouched)
    assert sum(summary["steps"].values()) == committed(untouched) - kept
    assert case.datasets() == untouched.datasets()


def test_interrupted_it_says_how_to_go_on(folder: Path, untouched: Case, stop_at: StopAt) -> None:
    case = Case(folder, "interrupted")
    code, err = stop_at(case, CALLS // 2, signal.SIGINT)
    assert code == 130
    assert "the same command goes on" in err
    assert "Traceback" not in err
    # Every answer that came is kept: the calls under way are the only ones asked again.
    case.finish()
    assert case.called() <= untouched.called() + 2 * IN_FLIGHT
    assert case.datasets() == untouched.datasets()
