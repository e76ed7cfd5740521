"""A recipe whose driver is killed in each of its stages ends as one that was left alone, and does nothing twice."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]

PROMPTS = 24
PATIENCE_S = 120.0
NAMES = ["generate", "sft", "compare", "evaluation", "report"]


@dataclass(frozen=True)
class Case:
    """A recipe of real processes: the scripted engine writes, a tiny model is trained."""

    folder: Path
    model: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def write(self) -> None:
        """The pipeline file and its prompts."""
        rows = [json.dumps({"prompt": f"Question {number}"}) for number in range(PROMPTS)]
        (self.folder / "prompts.jsonl").write_text("\n".join(rows) + "\n")
        model = {"kind": "scripted", "model": "sft", "latency_s": 0.05, "call_log": self._log("evaluation")}
        train = {"kind": "sft", "model": str(self.model), "data": [{"path": "generate"}], "save_steps": 1}
        pipeline = {
            "name": "killed",
            "constitution": "constitution/harmlessness.yaml",
            "prompts": str(self.folder / "prompts.jsonl"),
            "engines": {"default": {"kind": "scripted"}},
            "generate": {"rounds": 1, "split": {"eval": 0.3}, "max_in_flight": 2},
            "stages": [
                {"name": "generate", "kind": "generate", "engines": self._engine("generate", str(self.model))},
                {"name": "sft", "kind": "train", "train": {**train, "batch_size": 2, "epochs": 3, "max_length": 1024}},
                {
                    "name": "compare",
                    "kind": "generate",
                    "engines": self._engine("compare", "sft"),
                    "generate": {"rounds": 0, "comparison": {"source": "sampled"}},
                },
                {
                    "name": "evaluation",
                    "kind": "eval",
                    "eval": {
                        "models": {"sft": {"engine": model}},
                        "prompts": {"kept": "generate"},
                        "harm": {"method": "none"},
                        "max_in_flight": 1,
                    },
                },
                {"name": "report", "kind": "report"},
            ],
        }
        (self.folder / "killed.yaml").write_text(json.dumps(pipeline))

    def _engine(self, name: str, model: str) -> dict[str, Any]:
        return {"default": {"model": model, "latency_s": 0.05, "call_log": self._log(name)}}

    def _log(self, name: str) -> str:
        return str(self.folder / f"{name}.calls")

    def called(self, name: str) -> int:
        log = Path(self._log(name))
        return log.read_bytes().count(b"\n") if log.exists() else 0

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cai.cli.main", "run", str(self.folder / "killed.yaml")]
        command += ["--out", str(self.out), "--json", *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, *more: str) -> dict[str, str]:
        """Run to the end; what became of each stage."""
        process = self.start(*more)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        return {stage["name"]: stage["status"] for stage in json.loads(out)["stages"]}

    def stop_when(self, ready: Callable[[], bool], how: signal.Signals) -> tuple[int, str]:
        """Start, wait until something is so, and send a signal; all processes are gone when this returns."""
        process = self.start()
        end = time.monotonic() + PATIENCE_S
        family: list[psutil.Process] = []
        # A stage is noted as begun before its process and the guard are there.
        while len(family) < 2 or not ready():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.002)
            family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(how)
        _, err = process.communicate(timeout=PATIENCE_S)
        gone, left = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE], gone
        return process.returncode, err

    def stages(self) -> dict[str, dict[str, Any]]:
        path = self.out / "run.json"
        rows = json.loads(path.read_text())["stages"] if path.exists() else []
        return {row["name"]: row for row in rows}

    def begun(self, name: str) -> bool:
        row = self.stages().get(name)
        return row is not None and row["started_at"] is not None and row["finished_at"] is None


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Case:
    made = Case(tmp_path_factory.mktemp("recipe"), tiny_model)
    made.write()
    return made


def test_killed_in_every_stage(case: Case) -> None:
    checkpoints = case.out / "sft" / "checkpoints"
    points: list[tuple[str, Callable[[], bool]]] = [
        ("generate", lambda: case.called("generate") > 60),
        ("sft", lambda: any(checkpoints.glob("checkpoint-*/trainer_state.json"))),
        ("compare", lambda: case.called("compare") > 20),
        ("evaluation", lambda: case.called("evaluation") > 2),
        ("report", lambda: case.begun("report")),
    ]
    for number, (name, ready) in enumerate(points):
        code, _ = case.stop_when(ready, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert case.begun(name)
        before = list(case.stages().values())[:number]
        assert all(stage["finished_at"] for stage in before)
    statuses = case.finish()
    assert statuses == {"generate": "reused", "sft": "reused", "compare": "reused", "evaluation": "reused"} | {
        "report": "done"
    }
    assert (case.out / "report.html").stat().st_size > 0
    # Each stage went on where it was: a draft, two calls for the round and two for the label, and what was in flight.
    assert case.called("generate") <= PROMPTS * 5 + 64
    assert not (case.out / "replaced").exists()
    summary = json.loads((case.out / "sft" / "summary.json").read_text())
    logged = [json.loads(line)["step"] for line in (case.out / "sft" / "metrics.jsonl").read_text().splitlines()]
    assert len(set(logged)) == summary["steps"]


def test_then_nothing_is_left_to_do(case: Case) -> None:
    before = [case.called(name) for name in NAMES]
    assert set(case.finish().values()) == {"reused"}
    assert [case.called(name) for name in NAMES] == before


def test_one_changed_setting_of_training_runs_its_stage_and_those_after_it(case: Case) -> None:
    before = case.called("generate")
    statuses = case.finish("--set", "stages.sft.train.epochs=1")
    assert statuses == {"generate": "reused"} | dict.fromkeys(NAMES[1:], "done")
    assert case.called("generate") == before
    assert (case.out / "replaced" / "sft.1" / "summary.json").is_file()


def test_interrupted_it_stops_its_stage_in_order_and_says_how_to_go_on(case: Case) -> None:
    more = case.folder / "prompts.jsonl"
    more.write_text(more.read_text() + "".join(f'{{"prompt": "More {number}"}}\n' for number in range(40)))
    before = case.called("generate")
    code, err = case.stop_when(lambda: case.called("generate") > before + 20, signal.SIGINT)
    assert code == 130
    assert "stopped in the stage `generate`" in err and "the same command goes on from there" in err
    assert "Traceback" not in err
    assert case.stages()["sft"]["status"] == "pending"


def test_a_second_driver_is_refused(case: Case) -> None:
    first = case.start()
    end = time.monotonic() + PATIENCE_S
    # The lock says who holds it; the file may be seen while that is being written.
    lock = case.out / "lock"
    while not (lock.exists() and f'"pid": {first.pid},' in lock.read_text()):
        assert time.monotonic() < end
        time.sleep(0.002)
    second = case.start()
    try:
        out, _ = second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 6
        assert json.loads(out)["error"]["kind"] == "in use"
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
