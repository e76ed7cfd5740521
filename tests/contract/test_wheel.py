"""The wheel carries all that the program needs, and works where nothing of the checkout can be seen."""

import os
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "cai" / "sandbox" / "model" / "model.safetensors"
SHIPPED_FOLDERS = {"constitution": "*.yaml", "prompts": "*", "pipelines": "*.yaml"}


def run(command: list[object], cwd: Path) -> str:
    """Stdout of a command that must not see the checkout."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT], out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel; the libraries are those of the running one.

    A .pth file adds the folders of the running environment to the end of the path; .pth files in them, as that of an
    editable installation, are not read then.
    """
    home = tmp_path_factory.mktemp("clean") / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", home], home.parent)
    python = home / "bin" / "python"
    target = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home.parent).strip()
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    (Path(target) / "libraries.pth").write_text("".join(f"{folder}\n" for folder in sorted(libraries)))
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    # The running environment's own cai is in sight, and must not count as installed.
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel], home.parent)
    return home / "bin"


def test_the_wheel_carries_every_shipped_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in SHIPPED_FOLDERS.items():
        files = [path for path in (ROOT / folder).rglob(pattern) if path.is_file()]
        assert files
        assert {f"cai/_data/{path.relative_to(ROOT).as_posix()}" for path in files} <= names
    package = [path for path in (ROOT / "cai").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in package} <= names
    assert {"cai/py.typed", "cai/sandbox/lexicon.yaml", "cai/sandbox/wordings.yaml"} <= names


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cai", "constitutional_ai"}
    assert not [name for name in names if name.endswith((".pyc", ".db"))]


def test_the_wheel_carries_the_sandbox(wheel: Path) -> None:
    if not MODEL.is_file():
        pytest.skip("the weights of the sandbox model are not in the tree yet")
    archive = zipfile.ZipFile(wheel)
    assert archive.getinfo("cai/sandbox/model/model.safetensors").file_size == MODEL.stat().st_size
    assert "cai/sandbox/prompts.jsonl" in archive.namelist()


def test_the_installed_program_works_in_an_empty_folder(clean: Path, tmp_path: Path) -> None:
    place = run([clean / "python", "-c", "import cai; print(cai.__file__)"], tmp_path).strip()
    assert Path(place).is_relative_to(clean.parent)
    validated = run([clean / "cai", "constitution", "validate", "constitution/harmlessness.yaml"], tmp_path)
    assert validated.startswith("constitution/harmlessness.yaml: harmlessness ")
    (tmp_path / "prompts.txt").write_text("How do I bake bread?\n")
    shown = run([clean / "cai", "preview", "prompts.txt", "-n", "1", "--engine", "scripted"], tmp_path)
    assert "How do I bake bread?" in shown and "critique 1" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["prompts.txt"]


@pytest.mark.engine
def test_the_installed_program_runs_its_own_model(clean: Path, tmp_path: Path) -> None:
    if not MODEL.is_file():
        pytest.skip("the weights of the sandbox model are not in the tree yet")
    shown = run([clean / "cai", "preview"], tmp_path)
    assert "<|" in shown and "critique 1" in shown and "revision 1" in shown
    assert list(tmp_path.iterdir()) == []
