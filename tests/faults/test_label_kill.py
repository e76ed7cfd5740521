"""A labelling that is killed or interrupted goes on where it was, and ends with the same labels."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

PAIRS = 100
IN_FLIGHT = 4
# Each is asked in two orders, by two labelers.
CALLS = PAIRS * 4
# What a kill may cost: a group that was not committed yet, each label of four calls, and the calls under way.
LOST_AT_MOST = 4 * 64 + 4 * IN_FLIGHT
PATIENCE_S = 120.0

StopAt = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Case:
    """The folder of one labelling, and the command that works in it."""

    folder: Path
    name: str

    @property
    def out(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.calls"

    def start(self, latency_s: float) -> subprocess.Popen[str]:
        pairs = self.folder / "pairs.jsonl"
        rows = ({"prompt": f"Q {n}", "response_a": f"A {n}", "response_b": f"B {n}"} for n in range(PAIRS))
        pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
        engine = {"kind": "scripted", "latency_s": latency_s, "call_log": str(self.log)}
        settings = {
            "engines.default": engine | {"model": "one"},
            "engines.other": engine | {"model": "two"},
            "generate.labels.labelers": [{"engine": "default"}, {"engine": "other"}],
            "generate.max_in_flight": IN_FLIGHT,
        }
        command = [sys.executable, "-m", "cai.cli.main", "label", str(pairs), "--out", str(self.out), "--json"]
        command += ["--question", "Which?", "--method", "ensemble"]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self) -> bytes:
        """Run to the end; the labels."""
        process = self.start(0.0)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        return (self.out / "labels.jsonl").read_bytes()

    def called(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The labels of a command that nobody stopped."""
    case = Case(tmp_path_factory.mktemp("undisturbed"), "labels")
    labels = case.finish()
    assert case.called() == CALLS
    return labels


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_it_goes_on_and_ends_with_the_same_labels(
    tmp_path: Path, undisturbed: bytes, how: signal.Signals, stop_at: StopAt
) -> None:
    case = Case(tmp_path, "labels")
    for calls in (CALLS // 3, 2 * CALLS // 3):
        code, err = stop_at(case, calls, how)
        assert code == (-signal.SIGKILL if how is signal.SIGKILL else 130), err
        assert not (case.out / "labels.jsonl").exists()
        assert how is signal.SIGKILL or "every label is kept" in err
    assert case.finish() == undisturbed
    assert CALLS <= case.called() <= CALLS + 2 * LOST_AT_MOST
    if how is signal.SIGINT:
        # What was finished is committed on the way out: only what was under way is asked again.
        assert case.called() <= CALLS + 2 * 4 * IN_FLIGHT
